//! What can go wrong with a connection, as data: nothing here needs the interpreter. `error` makes exceptions of it.

use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

/// A failure that is not raised yet.
#[derive(Clone, Debug)]
pub enum Problem {
    /// Of the protocol: library, reason and text as OpenSSL has them.
    Protocol(&'static str, String, String),
    /// Of the other end's certificate: code and text.
    Verification(i32, String),
    /// The transport ended without the closing alert.
    Eof,
    /// A system call on the socket failed.
    System(i32),
    NoMemory,
}

impl Problem {
    /// With OpenSSL's rule for texts: the reason's words in small letters.
    pub fn ssl(reason: &str) -> Problem {
        let text = reason.to_ascii_lowercase().replace('_', " ");
        Problem::Protocol("SSL", reason.to_owned(), text)
    }

    pub fn with_text(library: &'static str, reason: &str, text: &str) -> Problem {
        Problem::Protocol(library, reason.to_owned(), text.to_owned())
    }
}

/// What an alert of the other end is called.
fn alert_reason(alert: AlertDescription) -> String {
    use AlertDescription as A;
    let (prefix, name) = match alert {
        A::UnexpectedMessage => ("SSL/TLS_ALERT", "UNEXPECTED_MESSAGE"),
        A::BadRecordMac => ("SSL/TLS_ALERT", "BAD_RECORD_MAC"),
        A::DecompressionFailure => ("SSL/TLS_ALERT", "DECOMPRESSION_FAILURE"),
        A::HandshakeFailure => ("SSL/TLS_ALERT", "HANDSHAKE_FAILURE"),
        A::NoCertificate => ("SSL/TLS_ALERT", "NO_CERTIFICATE"),
        A::BadCertificate => ("SSL/TLS_ALERT", "BAD_CERTIFICATE"),
        A::UnsupportedCertificate => ("SSL/TLS_ALERT", "UNSUPPORTED_CERTIFICATE"),
        A::CertificateRevoked => ("SSL/TLS_ALERT", "CERTIFICATE_REVOKED"),
        A::CertificateExpired => ("SSL/TLS_ALERT", "CERTIFICATE_EXPIRED"),
        A::CertificateUnknown => ("SSL/TLS_ALERT", "CERTIFICATE_UNKNOWN"),
        A::IllegalParameter => ("SSL/TLS_ALERT", "ILLEGAL_PARAMETER"),
        A::DecryptionFailed => ("TLSV1_ALERT", "DECRYPTION_FAILED"),
        A::RecordOverflow => ("TLSV1_ALERT", "RECORD_OVERFLOW"),
        A::UnknownCA => ("TLSV1_ALERT", "UNKNOWN_CA"),
        A::AccessDenied => ("TLSV1_ALERT", "ACCESS_DENIED"),
        A::DecodeError => ("TLSV1_ALERT", "DECODE_ERROR"),
        A::DecryptError => ("TLSV1_ALERT", "DECRYPT_ERROR"),
        A::ExportRestriction => ("TLSV1_ALERT", "EXPORT_RESTRICTION"),
        A::ProtocolVersion => ("TLSV1_ALERT", "PROTOCOL_VERSION"),
        A::InsufficientSecurity => ("TLSV1_ALERT", "INSUFFICIENT_SECURITY"),
        A::InternalError => ("TLSV1_ALERT", "INTERNAL_ERROR"),
        A::InappropriateFallback => ("TLSV1_ALERT", "INAPPROPRIATE_FALLBACK"),
        A::UserCanceled => ("TLSV1_ALERT", "USER_CANCELLED"),
        A::NoRenegotiation => ("TLSV1_ALERT", "NO_RENEGOTIATION"),
        A::UnsupportedExtension => ("TLSV1", "UNSUPPORTED_EXTENSION"),
        A::CertificateUnobtainable => ("TLSV1", "CERTIFICATE_UNOBTAINABLE"),
        A::UnrecognisedName => ("TLSV1", "UNRECOGNIZED_NAME"),
        A::BadCertificateStatusResponse => ("TLSV1", "BAD_CERTIFICATE_STATUS_RESPONSE"),
        A::BadCertificateHashValue => ("TLSV1", "BAD_CERTIFICATE_HASH_VALUE"),
        A::UnknownPSKIdentity => ("TLSV1_ALERT", "UNKNOWN_PSK_IDENTITY"),
        A::MissingExtension => ("TLSV13_ALERT", "MISSING_EXTENSION"),
        A::CertificateRequired => ("TLSV13_ALERT", "CERTIFICATE_REQUIRED"),
        A::NoApplicationProtocol => ("TLSV1_ALERT", "NO_APPLICATION_PROTOCOL"),
        other => return format!("TLSV1_ALERT_{}", u8::from(other)),
    };
    format!("{prefix}_{name}")
}

/// The failure of a connection, as the library tells it.
pub fn of_error(error: &Error) -> Problem {
    match error {
        Error::AlertReceived(alert) => {
            let reason = alert_reason(*alert);
            let text = reason.to_ascii_lowercase().replace('_', " ");
            let reason = reason.replace("SSL/TLS", "SSLV3");
            Problem::Protocol("SSL", reason, text)
        }
        Error::InvalidCertificate(error) => {
            let (code, text) = of_certificate(error);
            Problem::Verification(code, text)
        }
        Error::InvalidMessage(_) => Problem::ssl("BAD_RECORD_TYPE"),
        Error::DecryptError => Problem::ssl("DECRYPTION_FAILED_OR_BAD_RECORD_MAC"),
        Error::PeerSentOversizedRecord => Problem::ssl("DATA_LENGTH_TOO_LONG"),
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            Problem::ssl("UNEXPECTED_MESSAGE")
        }
        Error::NoCertificatesPresented => Problem::ssl("PEER_DID_NOT_RETURN_A_CERTIFICATE"),
        Error::NoApplicationProtocol => Problem::ssl("NO_APPLICATION_PROTOCOL"),
        Error::PeerIncompatible(why) => Problem::ssl(match why {
            PeerIncompatible::NoCipherSuitesInCommon => "NO_SHARED_CIPHER",
            PeerIncompatible::NoKxGroupsInCommon => "NO_SUITABLE_GROUPS",
            PeerIncompatible::NoSignatureSchemesInCommon
            | PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon => {
                "NO_SUITABLE_SIGNATURE_ALGORITHM"
            }
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled => "UNSUPPORTED_PROTOCOL",
            _ => "INVALID_CONFIGURATION",
        }),
        other => Problem::with_text("SSL", "INTERNAL_ERROR", &other.to_string()),
    }
}

/// The code and text of OpenSSL for what is wrong with a certificate.
pub fn of_certificate(error: &CertificateError) -> (i32, String) {
    use CertificateError as E;
    let (code, text) = match error {
        E::Expired | E::ExpiredContext { .. } => (10, "certificate has expired"),
        E::NotValidYet | E::NotValidYetContext { .. } => (9, "certificate is not yet valid"),
        E::Revoked => (23, "certificate revoked"),
        E::UnhandledCriticalExtension => (34, "unhandled critical extension"),
        E::UnknownIssuer => (20, "unable to get local issuer certificate"),
        E::UnknownRevocationStatus => (3, "unable to get certificate CRL"),
        E::ExpiredRevocationList | E::ExpiredRevocationListContext { .. } => {
            (12, "CRL has expired")
        }
        E::BadSignature => (7, "certificate signature failure"),
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => {
            (26, "unsuitable certificate purpose")
        }
        other => {
            return (
                1,
                format!("unspecified certificate verification error: {other}"),
            );
        }
    };
    (code, text.to_owned())
}
