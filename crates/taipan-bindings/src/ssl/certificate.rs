//! What a certificate says: its fields, the dict that `getpeercert` gives, and which hosts it is for.

use super::der::{self, Element, Reader, Time};
use super::objects;
use std::net::IpAddr;
use taipan_core::Value;
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::str_object::{name, new_str};
use taipan_core::tuple_object::new_tuple;

/// The parts of a certificate that are looked at; slices of its encoding.
pub struct Fields<'a> {
    version: i64,
    serial: &'a [u8],
    pub issuer: Element<'a>,
    pub subject: Element<'a>,
    pub not_before: Time,
    pub not_after: Time,
    alternative_names: Vec<Element<'a>>,
    /// May it issue others?
    pub is_authority: bool,
    /// Does it say which key it was signed with?
    pub names_issuer_key: bool,
    ocsp: Vec<&'a [u8]>,
    issuers: Vec<&'a [u8]>,
    revocation_lists: Vec<&'a [u8]>,
}

const ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const REVOCATION_LISTS: &[u8] = &[0x55, 0x1d, 0x1f];
const AUTHORITY_KEY: &[u8] = &[0x55, 0x1d, 0x23];
const AUTHORITY_ACCESS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 1];
const ACCESS_OCSP: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1];
const ACCESS_ISSUERS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 2];
const COMMON_NAME: &[u8] = &[0x55, 4, 3];

/// Kinds of general names.
const OTHER_NAME: u8 = der::context_constructed(0);
const EMAIL: u8 = der::context(1);
const DNS: u8 = der::context(2);
const DIRECTORY: u8 = der::context_constructed(4);
const URI: u8 = der::context(6);
const ADDRESS: u8 = der::context(7);
const REGISTERED: u8 = der::context(8);

impl<'a> Fields<'a> {
    /// `None` if it is not a certificate.
    pub fn parse(encoded: &'a [u8]) -> Option<Fields<'a>> {
        let mut outer = Reader(encoded).take(der::SEQUENCE)?.inside();
        let mut body = outer.take(der::SEQUENCE)?.inside();
        let version = match body.take_if(der::context_constructed(0)) {
            Some(version) => {
                let number = version.inside().take(der::INTEGER)?;
                i64::from(*number.body.last()?) + 1
            }
            None => 1,
        };
        let serial = body.take(der::INTEGER)?.body;
        body.take(der::SEQUENCE)?;
        let issuer = body.take(der::SEQUENCE)?;
        let mut validity = body.take(der::SEQUENCE)?.inside();
        let not_before = Time::parse(&validity.next()?)?;
        let not_after = Time::parse(&validity.next()?)?;
        let subject = body.take(der::SEQUENCE)?;
        body.take(der::SEQUENCE)?;
        body.take_if(der::context(1));
        body.take_if(der::context(2));
        let mut fields = Fields {
            version,
            serial,
            issuer,
            subject,
            not_before,
            not_after,
            alternative_names: Vec::new(),
            is_authority: version == 1 && issuer.body == subject.body,
            names_issuer_key: false,
            ocsp: Vec::new(),
            issuers: Vec::new(),
            revocation_lists: Vec::new(),
        };
        if let Some(extensions) = body.take_if(der::context_constructed(3)) {
            let mut extensions = extensions.inside().take(der::SEQUENCE)?.inside();
            while !extensions.is_empty() {
                let mut extension = extensions.take(der::SEQUENCE)?.inside();
                let id = extension.take(der::OBJECT_ID)?.body;
                extension.take_if(der::BOOLEAN);
                fields.extension(id, extension.take(der::OCTET_STRING)?.body);
            }
        }
        Some(fields)
    }

    /// Takes over an extension; one that is malformed counts as missing.
    fn extension(&mut self, id: &[u8], value: &'a [u8]) -> Option<()> {
        if id == AUTHORITY_KEY {
            self.names_issuer_key = true;
        }
        let mut value = Reader(value).take(der::SEQUENCE)?.inside();
        match id {
            ALTERNATIVE_NAME => {
                while !value.is_empty() {
                    self.alternative_names.push(value.next()?);
                }
            }
            BASIC_CONSTRAINTS => {
                let flag = value.take_if(der::BOOLEAN);
                self.is_authority = flag.is_some_and(|flag| flag.body != [0]);
            }
            AUTHORITY_ACCESS => {
                while !value.is_empty() {
                    let mut access = value.take(der::SEQUENCE)?.inside();
                    let method = access.take(der::OBJECT_ID)?.body;
                    let place = access.next()?;
                    match (method, place.tag) {
                        (ACCESS_OCSP, URI) => self.ocsp.push(place.body),
                        (ACCESS_ISSUERS, URI) => self.issuers.push(place.body),
                        _ => {}
                    }
                }
            }
            REVOCATION_LISTS => {
                while !value.is_empty() {
                    let mut point = value.take(der::SEQUENCE)?.inside();
                    let Some(place) = point.take_if(der::context_constructed(0)) else {
                        continue;
                    };
                    let Some(full) = place.inside().take_if(der::context_constructed(0)) else {
                        continue;
                    };
                    let mut names = full.inside();
                    while !names.is_empty() {
                        let name = names.next()?;
                        if name.tag == URI {
                            self.revocation_lists.push(name.body);
                        }
                    }
                }
            }
            _ => {}
        }
        Some(())
    }

    /// Was it issued by its own subject?
    pub fn is_self_issued(&self) -> bool {
        self.issuer.body == self.subject.body
    }

    /// Is it for this host name? The common name counts if the certificate names no host elsewhere and `common_name` allows it.
    pub fn is_for_name(&self, host: &str, common_name: bool) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        let mut names = self
            .alternative_names
            .iter()
            .filter(|name| name.tag == DNS)
            .peekable();
        if names.peek().is_some() {
            return names.any(|pattern| name_fits(pattern.body, host.as_bytes()));
        }
        common_name
            && self
                .common_names()
                .any(|pattern| name_fits(pattern.body, host.as_bytes()))
    }

    /// Is it for this address?
    pub fn is_for_address(&self, address: IpAddr) -> bool {
        let octets = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        self.alternative_names
            .iter()
            .any(|name| name.tag == ADDRESS && name.body == octets)
    }

    fn common_names(&self) -> impl Iterator<Item = Element<'a>> {
        attributes(self.subject)
            .into_iter()
            .flatten()
            .filter(|(id, _)| *id == COMMON_NAME)
            .map(|(_, value)| value)
    }

    /// The dict of `getpeercert`.
    pub fn to_dict(&self) -> Value {
        let dict = new_dict();
        let put = |key: &str, value: Value| {
            dict.expect::<Dict>().set_name(&name(key), value);
        };
        put("subject", name_value(self.subject));
        put("issuer", name_value(self.issuer));
        put("version", Value::int(self.version));
        put("serialNumber", new_str(&serial_text(self.serial)));
        put("notBefore", new_str(&self.not_before.print()));
        put("notAfter", new_str(&self.not_after.print()));
        if !self.alternative_names.is_empty() {
            put(
                "subjectAltName",
                tuple_of(&self.alternative_names, general_name),
            );
        }
        for (key, places) in [
            ("OCSP", &self.ocsp),
            ("caIssuers", &self.issuers),
            ("crlDistributionPoints", &self.revocation_lists),
        ] {
            if !places.is_empty() {
                put(key, tuple_of(places, |place| lossy(place)));
            }
        }
        dict
    }
}

/// Does a name of a certificate, which may begin with `*.`, fit a host?
fn name_fits(pattern: &[u8], host: &[u8]) -> bool {
    let Some(tail) = pattern.strip_prefix(b"*.") else {
        return !pattern.is_empty() && pattern.eq_ignore_ascii_case(host);
    };
    // The star stands for one whole label, and two have to follow it.
    let Some(dot) = host.iter().position(|&byte| byte == b'.') else {
        return false;
    };
    dot > 0
        && tail.contains(&b'.')
        && !tail.contains(&b'*')
        && host
            .get(dot + 1..)
            .is_some_and(|rest| rest.eq_ignore_ascii_case(tail))
}

fn tuple_of<T>(items: &[T], convert: impl Fn(&T) -> Value) -> Value {
    new_tuple(items.iter().map(convert).collect::<Vec<_>>())
}

fn lossy(text: &[u8]) -> Value {
    new_str(&String::from_utf8_lossy(text))
}

fn serial_text(body: &[u8]) -> String {
    let negative = body.first().is_some_and(|&byte| byte >= 0x80);
    let mut magnitude = body.to_vec();
    if negative {
        let mut carry = true;
        for byte in magnitude.iter_mut().rev() {
            (*byte, carry) = (!*byte).overflowing_add(carry.into());
        }
        let _ = carry;
    }
    let start = magnitude.iter().position(|&byte| byte != 0);
    let mut text = String::from(if negative { "-" } else { "" });
    match start {
        Some(start) => {
            for byte in magnitude.get(start..).unwrap_or(&[]) {
                text.push_str(&format!("{byte:02X}"));
            }
        }
        None => text.push_str("00"),
    }
    text
}

type Attributes<'a> = Vec<(&'a [u8], Element<'a>)>;

/// The attributes of a name, by relative distinguished names.
fn attributes(name: Element<'_>) -> Vec<Attributes<'_>> {
    let mut rows = Vec::new();
    let mut parts = name.inside();
    while let Some(part) = parts.take(der::SET) {
        let mut row = Vec::new();
        let mut pairs = part.inside();
        while let Some(pair) = pairs.take(der::SEQUENCE) {
            let mut pair = pair.inside();
            if let (Some(id), Some(value)) = (pair.take(der::OBJECT_ID), pair.next()) {
                row.push((id.body, value));
            }
        }
        rows.push(row);
    }
    rows
}

fn name_value(name: Element<'_>) -> Value {
    tuple_of(&attributes(name), |row| {
        tuple_of(row, |(id, value)| {
            new_tuple([new_str(&objects::long_name(id)), new_str(&der::text(value))])
        })
    })
}

fn general_name(element: &Element<'_>) -> Value {
    let (kind, value) = match element.tag {
        OTHER_NAME => ("othername", new_str("<unsupported>")),
        EMAIL => ("email", lossy(element.body)),
        DNS => ("DNS", lossy(element.body)),
        URI => ("URI", lossy(element.body)),
        DIRECTORY => {
            let inner = element.inside().take(der::SEQUENCE);
            ("DirName", inner.map_or_else(|| new_tuple([]), name_value))
        }
        ADDRESS => ("IP Address", new_str(&address_text(element.body))),
        REGISTERED => {
            let text = der::object_id(element.body).unwrap_or_default();
            ("Registered ID", new_str(&text))
        }
        other => {
            let text = format!("Unknown general name type {}", other & 0x1f);
            ("<unsupported>", new_str(&text))
        }
    };
    new_tuple([new_str(kind), value])
}

fn address_text(octets: &[u8]) -> String {
    match octets {
        [a, b, c, d] => format!("{a}.{b}.{c}.{d}"),
        octets if octets.len() == 16 => octets
            .chunks(2)
            .map(|pair| {
                let number = pair
                    .iter()
                    .fold(0u32, |all, &byte| all << 8 | u32::from(byte));
                format!("{number:X}")
            })
            .collect::<Vec<_>>()
            .join(":"),
        _ => "<invalid>".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_one_label() {
        assert!(name_fits(b"*.example.org", b"www.Example.org"));
        assert!(name_fits(b"www.example.org", b"WWW.example.org"));
        for host in [
            "example.org",
            "a.b.example.org",
            ".example.org",
            "www.example.com",
        ] {
            assert!(!name_fits(b"*.example.org", host.as_bytes()), "{host}");
        }
        assert!(!name_fits(b"*.org", b"example.org"));
        assert!(!name_fits(b"w*.example.org", b"www.example.org"));
        assert!(!name_fits(b"", b""));
    }

    #[test]
    fn serial_numbers() {
        assert_eq!(serial_text(&[0, 0xcb, 1]), "CB01");
        assert_eq!(serial_text(&[0]), "00");
        assert_eq!(serial_text(&[0xff]), "-01");
    }

    #[test]
    fn garbage_is_refused() {
        assert!(Fields::parse(b"").is_none());
        assert!(Fields::parse(&[0x30, 3, 0x30, 1, 2]).is_none());
    }
}
