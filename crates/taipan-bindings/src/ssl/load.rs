//! Loading certificates and keys into a context.

use super::certificate_type::to_dict;
use super::config::SecretsFile;
use super::context::{given, own};
use super::problem::Problem;
use super::verify::Trust;
use super::{error, pem};
use crate::support::{is_text, utf8};
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::str_object::{is_str, name};
use taipan_core::{Bound, Py, Raised, Value, Vm};
use taipan_stdlib::path::encode;
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::{bytes_of, new_bytes};
use taipan_types::exceptions::os_error::raise_io;
use taipan_types::list::new_list;

/// Where certificate authorities usually are; the first that exists is the default.
const FILES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/opt/homebrew/etc/ca-certificates/cert.pem",
];
const FOLDERS: [&str; 3] = [
    "/etc/ssl/certs",
    "/etc/pki/tls/certs",
    "/usr/local/share/certs",
];

/// The default file and folder.
pub fn default_places() -> (&'static str, &'static str) {
    let file = FILES.iter().find(|file| Path::new(file).is_file());
    let folder = FOLDERS.iter().find(|folder| Path::new(folder).is_dir());
    (file.unwrap_or(&FILES[0]), folder.unwrap_or(&FOLDERS[0]))
}

fn path_argument(vm: &mut Vm, value: &Value, what: &str) -> Py<PathBuf> {
    match taipan_stdlib::path::fspath(vm, value) {
        Ok(path) => Ok(PathBuf::from(OsStr::from_bytes(&encode(vm, &path)?))),
        Err(raised) if vm.pending_is(&taipan_core::builtin_types::TYPE_ERROR) => {
            drop(vm.take_raised(raised));
            Err(vm.type_error(format!("{what} should be a valid filesystem path")))
        }
        Err(raised) => Err(raised),
    }
}

fn read_file(vm: &mut Vm, path: &Path) -> Py<Vec<u8>> {
    match vm.detached(|| std::fs::read(path)) {
        Ok(data) => Ok(data),
        Err(error) => Err(raise_io(vm, &error, None)),
    }
}

/// The failure of reading a file of certificates or keys.
#[cold]
fn pem_failure(vm: &mut Vm) -> Raised {
    error::raise(vm, Problem::with_text("SSL", "PEM_LIB", "PEM lib"))
}

// ---- own certificates ----

const LONGEST_PASSWORD: usize = 1024;

/// The password of an argument, which may be a function that gives it.
fn password(vm: &mut Vm, argument: Option<&Value>) -> Py<Vec<u8>> {
    let Some(argument) = argument else {
        let problem = Problem::with_text("PEM", "BAD_PASSWORD_READ", "bad password read");
        return Err(error::raise(vm, problem));
    };
    let (given, wrong) = if argument.type_of().slots().call.is_some() {
        let given = vm.call(argument, &[])?;
        (given, "password callback must return a string")
    } else {
        (argument.clone(), "password should be a string or callable")
    };
    let password = if is_str(&given) {
        utf8(vm, &given)?
    } else if let Some(bytes) = bytes_of(&given) {
        bytes.to_vec()
    } else if given.is_instance(&taipan_core::builtin_types::BYTEARRAY) {
        bytes_like(vm, &given)?.to_vec()
    } else {
        return Err(vm.type_error(wrong));
    };
    if password.len() > LONGEST_PASSWORD {
        let text = format!("password cannot be longer than {LONGEST_PASSWORD} bytes");
        return Err(vm.value_error(text));
    }
    Ok(password)
}

pub fn load_cert_chain(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let path = path_argument(vm, args.req(0), "certfile")?;
    let key_path = match args.get_not_none(1) {
        Some(key) => Some(path_argument(vm, key, "keyfile")?),
        None => None,
    };
    let given = args.get_not_none(2);
    if let Some(given) = given
        && given.type_of().slots().call.is_none()
    {
        password(vm, Some(given))?;
    }
    let text = read_file(vm, &path)?;
    let (sections, damaged) = pem::try_sections(&text);
    let chain: Vec<CertificateDer<'static>> = sections
        .into_iter()
        .filter(|section| section.kind == pem::Kind::Certificate)
        .map(|section| CertificateDer::from(section.data))
        .collect();
    if damaged || chain.is_empty() {
        return Err(pem_failure(vm));
    }
    let key_text = match &key_path {
        Some(key_path) => read_file(vm, key_path)?,
        None => text,
    };
    let key = match pem::private_key(&key_text, || password(vm, given))? {
        Ok(key) => key,
        Err(problem) => return Err(error::raise(vm, problem)),
    };
    let provider = rustls::crypto::ring::default_provider();
    let Ok(key) = provider.key_provider.load_private_key(key) else {
        return Err(pem_failure(vm));
    };
    let certified = CertifiedKey::new(chain, key);
    if let Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) =
        certified.keys_match()
    {
        let problem = Problem::with_text("X509", "KEY_VALUES_MISMATCH", "key values mismatch");
        return Err(error::raise(vm, problem));
    }
    let mut state = own(this).lock(vm);
    let material = state.material();
    material.identity.add(certified);
    material.changed();
    Ok(Value::none())
}

// ---- whom to trust ----

/// What was found in data that is loaded.
#[derive(Default)]
struct Found {
    certificates: Vec<Vec<u8>>,
    lists: Vec<Vec<u8>>,
}

impl Found {
    /// `None` if the text is damaged.
    fn in_pem(text: &[u8]) -> Option<Found> {
        let mut found = Found::default();
        let (sections, damaged) = pem::try_sections(text);
        for section in sections {
            match section.kind {
                pem::Kind::Certificate => found.certificates.push(section.data),
                pem::Kind::RevocationList => found.lists.push(section.data),
                _ => {}
            }
        }
        (!damaged).then_some(found)
    }

    fn is_empty(&self) -> bool {
        self.certificates.is_empty() && self.lists.is_empty()
    }

    /// Adds all; `false` if something is no certificate.
    fn add_to(self, trust: &mut Trust) -> bool {
        for list in self.lists {
            if !trust.lists.iter().any(|own| **own == *list) {
                trust.lists.push(list.into());
            }
        }
        self.certificates.iter().all(|one| trust.add(one))
    }
}

fn add(vm: &mut Vm, this: &Value, found: Found) -> Py<()> {
    let good = {
        let mut state = own(this).lock(vm);
        let material = state.material();
        let good = found.add_to(Arc::make_mut(&mut material.trust));
        material.changed();
        good
    };
    if good { Ok(()) } else { Err(pem_failure(vm)) }
}

fn load_file(vm: &mut Vm, this: &Value, path: &Path) -> Py<()> {
    let text = read_file(vm, path)?;
    let Some(found) = Found::in_pem(&text) else {
        return Err(pem_failure(vm));
    };
    if found.is_empty() {
        let text = "no certificate or crl found";
        let problem = Problem::with_text("X509", "NO_CERTIFICATE_OR_CRL_FOUND", text);
        return Err(error::raise(vm, problem));
    }
    add(vm, this, found)
}

fn load_folder(vm: &mut Vm, this: &Value, path: PathBuf) {
    let mut state = own(this).lock(vm);
    let material = state.material();
    Arc::make_mut(&mut material.trust).folders.push(path);
    material.changed();
}

/// Certificates as a text or one behind the other in DER.
fn load_data(vm: &mut Vm, this: &Value, data: &Value) -> Py<()> {
    let (found, lack) = if is_str(data) {
        let text = utf8(vm, data)?;
        if !text.is_ascii() {
            return Err(vm.type_error("cadata should be an ASCII string or a bytes-like object"));
        }
        if text.is_empty() {
            return Err(vm.value_error("Empty certificate data"));
        }
        (
            Found::in_pem(&text),
            ("no start line", "NO_START_LINE", "PEM"),
        )
    } else {
        let Ok(bytes) = bytes_like(vm, data) else {
            return Err(vm.type_error("cadata should be an ASCII string or a bytes-like object"));
        };
        if bytes.is_empty() {
            return Err(vm.value_error("Empty certificate data"));
        }
        (
            in_der(&bytes),
            ("not enough data", "NOT_ENOUGH_DATA", "ASN1"),
        )
    };
    match found {
        Some(found) if !found.certificates.is_empty() => add(vm, this, found),
        _ => {
            let (words, reason, library) = lack;
            let text = format!("{words}: cadata does not contain a certificate");
            Err(error::raise(vm, Problem::with_text(library, reason, &text)))
        }
    }
}

fn in_der(bytes: &[u8]) -> Option<Found> {
    let mut found = Found::default();
    let mut reader = super::der::Reader(bytes);
    while !reader.is_empty() {
        let element = reader.take(super::der::SEQUENCE)?;
        found.certificates.push(element.whole.to_vec());
    }
    Some(found)
}

pub fn load_verify_locations(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let (file, folder, data) = (
        args.get_not_none(0),
        args.get_not_none(1),
        args.get_not_none(2),
    );
    if file.is_none() && folder.is_none() && data.is_none() {
        return Err(vm.type_error("cafile, capath and cadata cannot be all omitted"));
    }
    let file = file
        .map(|file| path_argument(vm, file, "cafile"))
        .transpose()?;
    let folder = folder
        .map(|folder| path_argument(vm, folder, "capath"))
        .transpose()?;
    if let Some(data) = data {
        load_data(vm, this, data)?;
    }
    if let Some(file) = file {
        load_file(vm, this, &file)?;
    }
    if let Some(folder) = folder {
        load_folder(vm, this, folder);
    }
    Ok(Value::none())
}

pub fn set_default_verify_paths(vm: &mut Vm, this: &Value) -> Py {
    let (file, folder) = default_places();
    let place = |variable: &str, default: &str| {
        std::env::var_os(variable).map_or_else(|| PathBuf::from(default), PathBuf::from)
    };
    // What is not there, or damaged, is passed over.
    let file = place("SSL_CERT_FILE", file);
    if let Ok(text) = vm.detached(|| std::fs::read(file))
        && let Some(found) = Found::in_pem(&text)
        && let Err(raised) = add(vm, this, found)
    {
        drop(vm.take_raised(raised));
    }
    load_folder(vm, this, place("SSL_CERT_DIR", folder));
    Ok(Value::none())
}

pub const STATS_DOC: &str = "Returns quantities of loaded X.509 certificates.\n\n\
    X.509 certificates with a CA extension and certificate revocation lists\n\
    inside the context's cert store.\n\n\
    NOTE: Certificates in a capath directory aren't loaded unless they have\n\
    been used at least once.";

fn is_authority(encoded: &[u8]) -> bool {
    super::certificate::Fields::parse(encoded).is_some_and(|fields| fields.is_authority)
}

pub fn cert_store_stats(vm: &mut Vm, this: &Value) -> Py {
    let (certificates, lists) = {
        let mut state = own(this).lock(vm);
        let material = state.material();
        (material.trusted(), material.trust.lists.len())
    };
    let authorities = certificates.iter().filter(|one| is_authority(one));
    let dict = new_dict();
    for (key, count) in [
        ("x509", certificates.len()),
        ("crl", lists),
        ("x509_ca", authorities.count()),
    ] {
        dict.expect::<Dict>()
            .set_name(&name(key), Value::int(count as i64));
    }
    Ok(dict)
}

pub const GET_CA_CERTS_DOC: &str = "Returns a list of dicts with information of loaded CA certs.\n\n\
    If the optional argument is True, returns a DER-encoded copy of the CA\n\
    certificate.\n\n\
    NOTE: Certificates in a capath directory aren't loaded unless they have\n\
    been used at least once.";

pub fn get_ca_certs(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let binary = args.get(0).map_or(Ok(false), |flag| vm.truth(flag))?;
    let certificates = own(this).lock(vm).material().trusted();
    let mut rows = Vec::new();
    for encoded in certificates.iter().filter(|one| is_authority(one)) {
        rows.push(if binary {
            new_bytes(vm, encoded)?
        } else {
            to_dict(vm, encoded)?
        });
    }
    Ok(new_list(rows))
}

// ---- secrets ----

pub fn set_key_log(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let value = given(vm, this, "keylog_filename", value)?;
    let mut log = None;
    if !value.is_none() && !is_text(value, "") {
        let path = path_argument(vm, value, "keylog_filename")?;
        match SecretsFile::open(&path) {
            Ok(file) => log = Some(Arc::new(file)),
            Err(error) => return Err(raise_io(vm, &error, Some(value))),
        }
    }
    let shown = log.is_some().then(|| value.clone());
    let mut state = own(this).lock(vm);
    state.material().key_log = log;
    state.set_key_log(shown);
    Ok(())
}
