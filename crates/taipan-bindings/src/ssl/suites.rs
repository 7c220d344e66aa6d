//! Cipher suites under OpenSSL's names, and its language for choosing among them.

use rustls::crypto::SupportedKxGroup;
use rustls::crypto::ring::{ALL_CIPHER_SUITES, kx_group};
use rustls::{CipherSuite, SupportedCipherSuite};
use taipan_core::Value;
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::str_object::{name, new_str};
use taipan_core::tuple_object::new_tuple;

/// What OpenSSL knows of a suite.
struct Row {
    suite: CipherSuite,
    name: &'static str,
    /// `RSA`, `ECDSA`, or `any` (TLS 1.3).
    auth: &'static str,
    cipher: &'static str,
    bits: i32,
    /// The words that choose it.
    words: &'static [&'static str],
}

const fn row(
    suite: CipherSuite,
    name: &'static str,
    auth: &'static str,
    cipher: &'static str,
    bits: i32,
    words: &'static [&'static str],
) -> Row {
    Row {
        suite,
        name,
        auth,
        cipher,
        bits,
        words,
    }
}

const AES256: &[&str] = &["AESGCM", "AES", "AES256", "SHA384", "FIPS"];
const AES128: &[&str] = &["AESGCM", "AES", "AES128", "SHA256", "FIPS"];
const CHACHA: &[&str] = &["CHACHA20", "SHA256"];

static ROWS: [Row; 9] = {
    use CipherSuite as C;
    [
        row(
            C::TLS13_AES_256_GCM_SHA384,
            "TLS_AES_256_GCM_SHA384",
            "any",
            "aes-256-gcm",
            256,
            AES256,
        ),
        row(
            C::TLS13_AES_128_GCM_SHA256,
            "TLS_AES_128_GCM_SHA256",
            "any",
            "aes-128-gcm",
            128,
            AES128,
        ),
        row(
            C::TLS13_CHACHA20_POLY1305_SHA256,
            "TLS_CHACHA20_POLY1305_SHA256",
            "any",
            "chacha20-poly1305",
            256,
            CHACHA,
        ),
        row(
            C::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            "ECDHE-ECDSA-AES256-GCM-SHA384",
            "ECDSA",
            "aes-256-gcm",
            256,
            AES256,
        ),
        row(
            C::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            "ECDHE-RSA-AES256-GCM-SHA384",
            "RSA",
            "aes-256-gcm",
            256,
            AES256,
        ),
        row(
            C::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            "ECDHE-ECDSA-CHACHA20-POLY1305",
            "ECDSA",
            "chacha20-poly1305",
            256,
            CHACHA,
        ),
        row(
            C::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
            "ECDHE-RSA-CHACHA20-POLY1305",
            "RSA",
            "chacha20-poly1305",
            256,
            CHACHA,
        ),
        row(
            C::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            "ECDHE-ECDSA-AES128-GCM-SHA256",
            "ECDSA",
            "aes-128-gcm",
            128,
            AES128,
        ),
        row(
            C::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            "ECDHE-RSA-AES128-GCM-SHA256",
            "RSA",
            "aes-128-gcm",
            128,
            AES128,
        ),
    ]
};

impl Row {
    fn is_13(&self) -> bool {
        self.auth == "any"
    }

    fn protocol(&self) -> &'static str {
        if self.is_13() { "TLSv1.3" } else { "TLSv1.2" }
    }

    /// Does a word of OpenSSL's language name it?
    fn fits(&self, word: &str) -> bool {
        if self.is_13() {
            return false;
        }
        match word {
            "ALL" | "DEFAULT" | "HIGH" | "TLSv1.2" | "ECDHE" | "kECDHE" | "EECDH" | "kEECDH"
            | "ECDH" => true,
            "ECDSA" | "aECDSA" => self.auth == "ECDSA",
            "RSA" | "aRSA" => self.auth == "RSA",
            word => self.name == word || self.words.contains(&word),
        }
    }

    fn supported(&self) -> Option<SupportedCipherSuite> {
        ALL_CIPHER_SUITES
            .iter()
            .find(|suite| suite.suite() == self.suite)
            .copied()
    }
}

fn row_of(suite: CipherSuite) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.suite == suite)
}

/// All suites, the best first.
pub fn all() -> Vec<SupportedCipherSuite> {
    ROWS.iter().filter_map(Row::supported).collect()
}

/// The suites that a text chooses; those of TLS 1.3 are always among them. `None` if it chooses no others.
pub fn choose(text: &str) -> Option<Vec<SupportedCipherSuite>> {
    let mut chosen: Vec<&'static Row> = Vec::new();
    let mut never: Vec<&'static str> = Vec::new();
    for token in text
        .split([':', ',', ' ', ';'])
        .filter(|token| !token.is_empty())
    {
        let (action, words) = match token.split_at_checked(1) {
            Some((action @ ("!" | "-" | "+" | "@"), words)) => (action, words),
            _ => ("", token),
        };
        if action == "@" {
            continue;
        }
        let named = |row: &Row| words.split('+').all(|word| row.fits(word));
        match action {
            "!" => {
                never.extend(ROWS.iter().filter(|row| named(row)).map(|row| row.name));
                chosen.retain(|row| !named(row));
            }
            "-" => chosen.retain(|row| !named(row)),
            "+" => chosen.sort_by_key(|row| named(row)),
            _ => {
                for row in ROWS.iter().filter(|row| named(row)) {
                    let known = chosen.iter().any(|own| own.name == row.name);
                    if !known && !never.contains(&row.name) {
                        chosen.push(row);
                    }
                }
            }
        }
    }
    if chosen.is_empty() {
        return None;
    }
    let always = ROWS.iter().filter(|row| row.is_13());
    Some(always.chain(chosen).filter_map(Row::supported).collect())
}

/// `(name, protocol, bits)`
pub fn to_tuple(suite: CipherSuite) -> Value {
    match row_of(suite) {
        Some(row) => new_tuple([
            new_str(row.name),
            new_str(row.protocol()),
            Value::from_i32(row.bits),
        ]),
        None => Value::none(),
    }
}

/// What `get_ciphers` says of a suite.
pub fn to_dict(suite: CipherSuite) -> Value {
    let dict = new_dict();
    let Some(row) = row_of(suite) else {
        return dict;
    };
    let (kx, auth) = if row.is_13() {
        ("any", "any")
    } else {
        ("ECDH", row.auth)
    };
    let encryption = if row.cipher.starts_with("aes") {
        format!("AESGCM({})", row.bits)
    } else {
        format!("CHACHA20/POLY1305({})", row.bits)
    };
    let description = format!(
        "{:<30} {} Kx={kx:<8} Au={auth:<5} Enc={encryption:<22} Mac=AEAD",
        row.name,
        row.protocol()
    );
    let lower = auth.to_ascii_lowercase();
    let put = |key: &str, value: Value| dict.expect::<Dict>().set_name(&name(key), value);
    put("id", Value::int(0x0300_0000 | i64::from(u16::from(suite))));
    put("name", new_str(row.name));
    put("protocol", new_str(row.protocol()));
    put("description", new_str(&description));
    put("strength_bits", Value::from_i32(row.bits));
    put("alg_bits", Value::from_i32(row.bits));
    put("aead", Value::bool(true));
    put("symmetric", new_str(row.cipher));
    put("digest", Value::none());
    put(
        "kea",
        new_str(if row.is_13() { "kx-any" } else { "kx-ecdhe" }),
    );
    put("auth", new_str(&format!("auth-{lower}")));
    dict
}

/// The groups for exchanging keys.
pub fn all_groups() -> Vec<&'static dyn SupportedKxGroup> {
    vec![kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1]
}

/// A group under one of its names.
pub fn group(name: &str) -> Option<&'static dyn SupportedKxGroup> {
    Some(match name {
        "prime256v1" | "secp256r1" | "P-256" => kx_group::SECP256R1,
        "secp384r1" | "P-384" => kx_group::SECP384R1,
        "X25519" | "x25519" => kx_group::X25519,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&'static str> {
        let suites = choose(text).unwrap_or_default();
        let rows = suites.iter().filter_map(|suite| row_of(suite.suite()));
        rows.filter(|row| !row.is_13())
            .map(|row| row.name)
            .collect()
    }

    #[test]
    fn words_choose() {
        assert_eq!(names("ALL").len(), 6);
        assert_eq!(
            names("ECDHE+AESGCM:!aRSA"),
            [
                "ECDHE-ECDSA-AES256-GCM-SHA384",
                "ECDHE-ECDSA-AES128-GCM-SHA256"
            ]
        );
        assert_eq!(names("ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=1").len(), 1);
        assert_eq!(
            names("CHACHA20:AES:-RSA:+CHACHA20").last(),
            Some(&"ECDHE-ECDSA-CHACHA20-POLY1305")
        );
        for none in ["", "RC4", "ALL:!ECDHE", "^$:,;?*'dorothyx"] {
            assert!(choose(none).is_none(), "{none}");
        }
        assert_eq!(all().len(), 9);
    }
}
