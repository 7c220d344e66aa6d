//! Files of certificates and keys in PEM.

use super::problem::Problem;
use rustls::pki_types::pem::{SectionKind, SliceIter};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};

/// What a section holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Certificate,
    RevocationList,
    Pkcs8Key,
    EncryptedKey,
    RsaKey,
    EcKey,
}

/// One section of a file.
pub struct Section {
    pub kind: Kind,
    pub data: Vec<u8>,
}

const LABELS: [(&[u8], Kind); 8] = [
    (b"CERTIFICATE", Kind::Certificate),
    (b"X509 CERTIFICATE", Kind::Certificate),
    (b"TRUSTED CERTIFICATE", Kind::Certificate),
    (b"X509 CRL", Kind::RevocationList),
    (b"PRIVATE KEY", Kind::Pkcs8Key),
    (b"ENCRYPTED PRIVATE KEY", Kind::EncryptedKey),
    (b"RSA PRIVATE KEY", Kind::RsaKey),
    (b"EC PRIVATE KEY", Kind::EcKey),
];

/// The sections of a file that are understood, up to the first that is damaged.
pub fn sections(text: &[u8]) -> Vec<Section> {
    try_sections(text).0
}

/// As [`sections`], and whether a damaged one follows.
pub fn try_sections(mut text: &[u8]) -> (Vec<Section>, bool) {
    const BEGIN: &[u8] = b"-----BEGIN ";
    let mut found = Vec::new();
    // The library's reader knows some labels only, and is given one section at a time.
    while let Some(start) = memchr_find(text, BEGIN) {
        let section = text.get(start..).unwrap_or(&[]);
        let Some(next) = memchr_find(section, b"\n-----END ") else {
            return (found, true);
        };
        let label_end = memchr_find(section, b"-----\n")
            .or_else(|| memchr_find(section, b"-----\r\n"))
            .unwrap_or(0);
        let label = section.get(BEGIN.len()..label_end).unwrap_or(&[]);
        let end = section.get(next + 1..).unwrap_or(&[]);
        let line = end.iter().position(|&byte| byte == b'\n');
        let len = next + 1 + line.map_or(end.len(), |at| at + 1);
        text = section.get(len..).unwrap_or(&[]);
        let Some(&(_, kind)) = LABELS.iter().find(|row| row.0 == label) else {
            continue;
        };
        match body(section.get(label_end + 5..next).unwrap_or(&[])) {
            Some(data) => found.push(Section { kind, data }),
            None => return (found, true),
        }
    }
    (found, false)
}

fn memchr_find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// The bytes of a section's lines.
fn body(lines: &[u8]) -> Option<Vec<u8>> {
    let mut wrapped = b"-----BEGIN CERTIFICATE-----\n".to_vec();
    wrapped.extend_from_slice(lines.trim_ascii());
    wrapped.extend_from_slice(b"\n-----END CERTIFICATE-----\n");
    let mut iter = SliceIter::<(SectionKind, Vec<u8>)>::new(&wrapped);
    iter.next()?.ok().map(|(_, data)| data)
}

/// The private key of a file. `password` is asked for one at most once, and only if the key is encrypted.
pub fn private_key<E>(
    text: &[u8],
    password: impl FnOnce() -> Result<Vec<u8>, E>,
) -> Result<Result<PrivateKeyDer<'static>, Problem>, E> {
    let key = sections(text)
        .into_iter()
        .find(|section| !matches!(section.kind, Kind::Certificate | Kind::RevocationList));
    let Some(Section { kind, data }) = key else {
        return Ok(Err(Problem::with_text("SSL", "PEM_LIB", "PEM lib")));
    };
    Ok(Ok(match kind {
        Kind::RsaKey => PrivateKeyDer::Pkcs1(PrivatePkcs1KeyDer::from(data)),
        Kind::EcKey => PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(data)),
        Kind::EncryptedKey => {
            let password = password()?;
            let key = pkcs8::EncryptedPrivateKeyInfoRef::try_from(data.as_slice())
                .ok()
                .and_then(|key| key.decrypt(password).ok());
            match key {
                Some(key) => PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into(),
                None => return Ok(Err(Problem::ssl("BAD_DECRYPT"))),
            }
        }
        _ => PrivatePkcs8KeyDer::from(data).into(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_of_a_file() {
        let text = b"words\n-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\r\n\
            -----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n\
            -----BEGIN RSA PRIVATE KEY-----\r\nBAUG\r\n-----END RSA PRIVATE KEY-----";
        let (found, damaged) = try_sections(text);
        let found: Vec<_> = found
            .iter()
            .map(|one| (one.kind, one.data.as_slice()))
            .collect();
        let wanted: [(Kind, &[u8]); 2] =
            [(Kind::Certificate, &[1, 2, 3]), (Kind::RsaKey, &[4, 5, 6])];
        assert_eq!((found.as_slice(), damaged), (&wanted[..], false));
        assert!(try_sections(b"-----BEGIN CERTIFICATE-----\nAQID\n").1);
        assert!(try_sections(b"-----BEGIN CERTIFICATE-----\n?!\n-----END CERTIFICATE-----\n").1);
    }
}
