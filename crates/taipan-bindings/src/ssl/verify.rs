//! Whom a context trusts, and the check of the other end's certificates.
//!
//! The library calls the verifier while it works on records, on the thread that feeds them. What belongs to one connection (the
//! host it is for, what was found wrong) waits meanwhile in the thread's [`Probe`]; the verifier itself is shared by all
//! connections of a context, because a session is resumed only under the verifier that it began with.

use super::certificate::Fields;
use super::problem;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, IpAddr, Ipv4Addr, ServerName, UnixTime,
};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};
use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What a context trusts.
#[derive(Clone, Debug)]
pub struct Trust {
    /// In the order of loading, each once.
    pub certificates: Vec<Arc<[u8]>>,
    pub roots: Arc<RootCertStore>,
    pub lists: Vec<Arc<[u8]>>,
    /// Folders that are searched when what was loaded does not do.
    pub folders: Vec<PathBuf>,
}

impl Default for Trust {
    fn default() -> Trust {
        Trust {
            certificates: Vec::new(),
            roots: Arc::new(RootCertStore::empty()),
            lists: Vec::new(),
            folders: Vec::new(),
        }
    }
}

impl Trust {
    /// Adds a certificate; `false` if it is none.
    pub fn add(&mut self, encoded: &[u8]) -> bool {
        if Fields::parse(encoded).is_none() {
            return false;
        }
        if !self.certificates.iter().any(|own| **own == *encoded) {
            self.certificates.push(encoded.into());
            // What cannot be an anchor for others is still trusted itself.
            let _ = Arc::make_mut(&mut self.roots).add(CertificateDer::from(encoded));
        }
        true
    }

    /// With all that lies in the folders.
    fn with_folders(&self) -> Trust {
        let mut all = self.clone();
        for folder in &self.folders {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let Ok(data) = std::fs::read(entry.path()) else {
                    continue;
                };
                for section in super::pem::sections(&data) {
                    match section.kind {
                        super::pem::Kind::Certificate => _ = all.add(&section.data),
                        super::pem::Kind::RevocationList => all.lists.push(section.data.into()),
                        _ => {}
                    }
                }
            }
        }
        all
    }
}

/// How certificates are checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// 0: not at all; 1: if there is one; 2: there has to be one.
    pub mode: i64,
    pub common_name: bool,
    /// Revocation lists are consulted: for the certificate, for its issuers too.
    pub revocation: (bool, bool),
    /// Every certificate has to say which key it was signed with.
    pub strict: bool,
}

/// What the check needs to know of the connection, and what it found.
#[derive(Default, Debug)]
pub struct Probe {
    /// The host name or address that the certificate has to be for.
    pub host: Option<String>,
    pub failure: Option<(i32, String)>,
}

thread_local! {
    static PROBE: RefCell<Probe> = RefCell::default();
}

/// Runs `work`, under which certificates may be checked, with this probe.
pub fn probed<R>(probe: &mut Probe, work: impl FnOnce() -> R) -> R {
    PROBE.with_borrow_mut(|own| std::mem::swap(own, probe));
    let result = work();
    PROBE.with_borrow_mut(|own| std::mem::swap(own, probe));
    result
}

type Wrong = (i32, String);

/// Checks certificates for the connections of a context.
#[derive(Debug)]
pub struct Verifier {
    trust: Arc<Trust>,
    policy: Policy,
    provider: Arc<CryptoProvider>,
    /// Whom a client's certificate may be from.
    hints: Vec<DistinguishedName>,
    folders: OnceLock<Trust>,
    /// The roots that were found in folders and served.
    used: Mutex<Vec<Arc<[u8]>>>,
}

impl Verifier {
    pub fn new(trust: Arc<Trust>, policy: Policy, provider: Arc<CryptoProvider>) -> Verifier {
        let hints = trust.roots.subjects();
        Verifier {
            trust,
            policy,
            provider,
            hints,
            folders: OnceLock::new(),
            used: Mutex::default(),
        }
    }

    /// The roots that were found in folders and served.
    pub fn used(&self) -> Vec<Arc<[u8]>> {
        let used = self.used.lock();
        used.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note_use(&self, chain: &[Vec<u8>]) {
        let used = self.used.lock();
        let mut used = used.unwrap_or_else(PoisonError::into_inner);
        if let Some(root) = chain.last()
            && !used.iter().any(|own| **own == **root)
        {
            used.push(root.as_slice().into());
        }
    }

    fn chain_from(&self, end: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> Vec<Vec<u8>> {
        let sent: Vec<_> = std::iter::once(end).chain(others).cloned().collect();
        self.chain(&sent)
    }

    /// The chain from a certificate to one that is trusted, as far as names lead.
    pub fn chain(&self, sent: &[CertificateDer<'_>]) -> Vec<Vec<u8>> {
        let trust = self.folders.get().unwrap_or(&self.trust);
        let mut chain: Vec<Vec<u8>> = Vec::new();
        let mut next = sent.first().map(|first| first.to_vec());
        while let Some(encoded) = next.take() {
            let Some(fields) = Fields::parse(&encoded) else {
                break;
            };
            if chain.contains(&encoded) || chain.len() > sent.len() + 1 {
                break;
            }
            let trusted = trust.certificates.iter().any(|own| **own == *encoded);
            if !trusted && !fields.is_self_issued() {
                let issued = |other: &[u8]| {
                    Fields::parse(other)
                        .is_some_and(|other| other.subject.body == fields.issuer.body)
                };
                next = trust
                    .certificates
                    .iter()
                    .map(|own| own.to_vec())
                    .chain(sent.iter().map(|own| own.to_vec()))
                    .find(|other| issued(other));
            }
            chain.push(encoded);
        }
        chain
    }

    fn check(
        &self,
        end: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
        is_server: bool,
    ) -> Result<(), Error> {
        if self.policy.mode == 0 {
            return Ok(());
        }
        let mut outcome = self.check_chain(&self.trust, end, others, now, is_server);
        if matches!(&outcome, Err((18..=20, _))) && !self.trust.folders.is_empty() {
            let all = self.folders.get_or_init(|| self.trust.with_folders());
            outcome = self.check_chain(all, end, others, now, is_server);
            if outcome.is_ok() {
                self.note_use(&self.chain_from(end, others));
            }
        }
        if self.policy.strict {
            outcome = outcome.and_then(|()| strictly(&self.chain_from(end, others)));
        }
        PROBE.with_borrow_mut(|probe| {
            let outcome = outcome.and_then(|()| self.check_host(probe.host.as_deref(), end));
            let Err(wrong) = outcome else {
                return Ok(());
            };
            let error = match wrong.0 {
                9 => CertificateError::NotValidYet,
                10 => CertificateError::Expired,
                18..=20 => CertificateError::UnknownIssuer,
                23 => CertificateError::Revoked,
                62 | 64 => CertificateError::NotValidForName,
                _ => CertificateError::ApplicationVerificationFailure,
            };
            probe.failure = Some(wrong);
            Err(error.into())
        })
    }

    fn check_host(&self, host: Option<&str>, end: &CertificateDer<'_>) -> Result<(), Wrong> {
        let (Some(host), Some(fields)) = (host, Fields::parse(end)) else {
            return Ok(());
        };
        match host.parse::<std::net::IpAddr>() {
            Ok(address) if !fields.is_for_address(address) => Err((
                64,
                format!("IP address mismatch, certificate is not valid for '{host}'."),
            )),
            Err(_) if !fields.is_for_name(host, self.policy.common_name) => Err((
                62,
                format!("Hostname mismatch, certificate is not valid for '{host}'."),
            )),
            _ => Ok(()),
        }
    }

    fn check_chain(
        &self,
        trust: &Trust,
        end: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
        is_server: bool,
    ) -> Result<(), Wrong> {
        let Some(fields) = Fields::parse(end) else {
            return Err((1, "the certificate is malformed".to_owned()));
        };
        let (of_end, of_chain) = self.policy.revocation;
        if trust.certificates.iter().any(|own| **own == **end) && !of_end {
            // Trusted as it is, by itself.
            let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
            return if seconds < fields.not_before.unix() {
                Err(problem::of_certificate(&CertificateError::NotValidYet))
            } else if seconds > fields.not_after.unix() {
                Err(problem::of_certificate(&CertificateError::Expired))
            } else {
                Ok(())
            };
        }
        if of_end && trust.lists.is_empty() {
            return Err(problem::of_certificate(
                &CertificateError::UnknownRevocationStatus,
            ));
        }
        let lists = trust.lists.iter().filter(|_| of_end);
        let lists = lists.map(|list| CertificateRevocationListDer::from(list.to_vec()));
        let result = if trust.roots.is_empty() {
            Err(CertificateError::UnknownIssuer.into())
        } else if is_server {
            let mut builder = WebPkiServerVerifier::builder_with_provider(
                trust.roots.clone(),
                self.provider.clone(),
            )
            .with_crls(lists);
            if !of_chain {
                builder = builder.only_check_end_entity_revocation();
            }
            let name = ServerName::IpAddress(IpAddr::V4(Ipv4Addr::from([0, 0, 0, 0])));
            match builder.build() {
                Ok(verifier) => verifier
                    .verify_server_cert(end, others, &name, &[], now)
                    .map(drop),
                Err(error) => Err(Error::General(error.to_string())),
            }
        } else {
            let mut builder = WebPkiClientVerifier::builder_with_provider(
                trust.roots.clone(),
                self.provider.clone(),
            )
            .with_crls(lists);
            if !of_chain {
                builder = builder.only_check_end_entity_revocation();
            }
            match builder.build() {
                Ok(verifier) => verifier.verify_client_cert(end, others, now).map(drop),
                Err(error) => Err(Error::General(error.to_string())),
            }
        };
        match result {
            // The name is looked at last, and not here: the chain is in order.
            Ok(())
            | Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(()),
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
                let self_issued = |other: &CertificateDer<'_>| {
                    Fields::parse(other).is_some_and(|other| other.is_self_issued())
                };
                Err(if fields.is_self_issued() {
                    (18, "self-signed certificate".to_owned())
                } else if others.iter().any(self_issued) {
                    (
                        19,
                        "self-signed certificate in certificate chain".to_owned(),
                    )
                } else {
                    problem::of_certificate(&CertificateError::UnknownIssuer)
                })
            }
            Err(Error::InvalidCertificate(error)) => Err(problem::of_certificate(&error)),
            Err(error) => Err((1, error.to_string())),
        }
    }
}

/// What RFC 5280 asks beyond what is checked anyway.
fn strictly(chain: &[Vec<u8>]) -> Result<(), Wrong> {
    let lacks = chain
        .iter()
        .filter_map(|one| Fields::parse(one))
        .any(|one| !one.names_issuer_key && !one.is_self_issued());
    if lacks {
        return Err((85, "Missing Authority Key Identifier".to_owned()));
    }
    Ok(())
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(end, others, now, true)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

impl ClientCertVerifier for Verifier {
    fn offer_client_auth(&self) -> bool {
        self.policy.mode != 0
    }

    fn client_auth_mandatory(&self) -> bool {
        self.policy.mode == 2
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(end, others, now, false)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        ServerCertVerifier::verify_tls12_signature(self, message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        ServerCertVerifier::verify_tls13_signature(self, message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ServerCertVerifier::supported_verify_schemes(self)
    }
}
