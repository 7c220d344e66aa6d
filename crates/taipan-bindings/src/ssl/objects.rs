//! Object identifiers by number, short name and long name, under OpenSSL's numbers: what names in certificates are made of, and
//! what keys are for.

use super::der;
use taipan_core::str_object::{new_str, str_of};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Bound, Py, Value, Vm};

/// Number, short name, long name, dotted notation.
type Row = (i32, &'static str, &'static str, &'static str);

/// The long name of an object, or its dotted notation.
pub fn long_name(body: &[u8]) -> String {
    let Some(dotted) = der::object_id(body) else {
        return String::new();
    };
    match TABLE.iter().find(|row| row.3 == dotted) {
        Some(row) => row.2.to_owned(),
        None => dotted,
    }
}

fn to_tuple(row: &Row) -> Value {
    new_tuple([
        Value::from_i32(row.0),
        new_str(row.1),
        new_str(row.2),
        new_str(row.3),
    ])
}

pub fn txt2obj(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let Some(text) = str_of(args.req(0)).map(|text| text.to_lossy()) else {
        let message = format!(
            "txt2obj() argument 'txt' must be str, not {}",
            args.req(0).type_of().name()
        );
        return Err(vm.type_error(message));
    };
    let by_name = match args.get(1) {
        Some(flag) => vm.truth(flag)?,
        None => false,
    };
    let found = TABLE
        .iter()
        .find(|row| row.3 == text || (by_name && (row.1 == text || row.2 == text)));
    match found {
        Some(row) => Ok(to_tuple(row)),
        None if der::encode_object_id(&text).is_some() => Err(vm.value_error("Unknown object")),
        None => Err(vm.value_error(format!("unknown object '{:.100}'", text))),
    }
}

pub fn nid2obj(vm: &mut Vm, _module: &Value, number: &Value) -> Py {
    let number = crate::support::c_int(vm, number)?;
    match TABLE.iter().find(|row| row.0 == number) {
        Some(row) => Ok(to_tuple(row)),
        None if number < 0 => Err(vm.value_error("NID must be positive.")),
        None if number == 0 => Err(vm.value_error("Unknown object")),
        None => Err(vm.value_error(format!("unknown NID {number}"))),
    }
}

#[rustfmt::skip]
static TABLE: &[Row] = &[
    (6, "rsaEncryption", "rsaEncryption", "1.2.840.113549.1.1.1"),
    (13, "CN", "commonName", "2.5.4.3"),
    (14, "C", "countryName", "2.5.4.6"),
    (15, "L", "localityName", "2.5.4.7"),
    (16, "ST", "stateOrProvinceName", "2.5.4.8"),
    (17, "O", "organizationName", "2.5.4.10"),
    (18, "OU", "organizationalUnitName", "2.5.4.11"),
    (48, "emailAddress", "emailAddress", "1.2.840.113549.1.9.1"),
    (49, "unstructuredName", "unstructuredName", "1.2.840.113549.1.9.2"),
    (50, "contentType", "contentType", "1.2.840.113549.1.9.3"),
    (51, "messageDigest", "messageDigest", "1.2.840.113549.1.9.4"),
    (52, "signingTime", "signingTime", "1.2.840.113549.1.9.5"),
    (53, "countersignature", "countersignature", "1.2.840.113549.1.9.6"),
    (54, "challengePassword", "challengePassword", "1.2.840.113549.1.9.7"),
    (55, "unstructuredAddress", "unstructuredAddress", "1.2.840.113549.1.9.8"),
    (56, "extendedCertificateAttributes", "extendedCertificateAttributes", "1.2.840.113549.1.9.9"),
    (85, "subjectAltName", "X509v3 Subject Alternative Name", "2.5.29.17"),
    (99, "GN", "givenName", "2.5.4.42"),
    (100, "SN", "surname", "2.5.4.4"),
    (101, "initials", "initials", "2.5.4.43"),
    (102, "uid", "uniqueIdentifier", "0.9.2342.19200300.100.1.44"),
    (105, "serialNumber", "serialNumber", "2.5.4.5"),
    (106, "title", "title", "2.5.4.12"),
    (107, "description", "description", "2.5.4.13"),
    (126, "extendedKeyUsage", "X509v3 Extended Key Usage", "2.5.29.37"),
    (129, "serverAuth", "TLS Web Server Authentication", "1.3.6.1.5.5.7.3.1"),
    (130, "clientAuth", "TLS Web Client Authentication", "1.3.6.1.5.5.7.3.2"),
    (131, "codeSigning", "Code Signing", "1.3.6.1.5.5.7.3.3"),
    (132, "emailProtection", "E-mail Protection", "1.3.6.1.5.5.7.3.4"),
    (133, "timeStamping", "Time Stamping", "1.3.6.1.5.5.7.3.8"),
    (156, "friendlyName", "friendlyName", "1.2.840.113549.1.9.20"),
    (157, "localKeyID", "localKeyID", "1.2.840.113549.1.9.21"),
    (167, "SMIME-CAPS", "S/MIME Capabilities", "1.2.840.113549.1.9.15"),
    (172, "extReq", "Extension Request", "1.2.840.113549.1.9.14"),
    (173, "name", "name", "2.5.4.41"),
    (174, "dnQualifier", "dnQualifier", "2.5.4.46"),
    (178, "OCSP", "OCSP", "1.3.6.1.5.5.7.48.1"),
    (179, "caIssuers", "CA Issuers", "1.3.6.1.5.5.7.48.2"),
    (180, "OCSPSigning", "OCSP Signing", "1.3.6.1.5.5.7.3.9"),
    (188, "SMIME", "S/MIME", "1.2.840.113549.1.9.16"),
    (294, "ipsecEndSystem", "IPSec End System", "1.3.6.1.5.5.7.3.5"),
    (295, "ipsecTunnel", "IPSec Tunnel", "1.3.6.1.5.5.7.3.6"),
    (296, "ipsecUser", "IPSec User", "1.3.6.1.5.5.7.3.7"),
    (297, "DVCS", "dvcs", "1.3.6.1.5.5.7.3.10"),
    (391, "DC", "domainComponent", "0.9.2342.19200300.100.1.25"),
    (400, "role", "role", "2.5.4.72"),
    (408, "id-ecPublicKey", "id-ecPublicKey", "1.2.840.10045.2.1"),
    (458, "UID", "userId", "0.9.2342.19200300.100.1.1"),
    (459, "textEncodedORAddress", "textEncodedORAddress", "0.9.2342.19200300.100.1.2"),
    (460, "mail", "rfc822Mailbox", "0.9.2342.19200300.100.1.3"),
    (461, "info", "info", "0.9.2342.19200300.100.1.4"),
    (462, "favouriteDrink", "favouriteDrink", "0.9.2342.19200300.100.1.5"),
    (463, "roomNumber", "roomNumber", "0.9.2342.19200300.100.1.6"),
    (464, "photo", "photo", "0.9.2342.19200300.100.1.7"),
    (465, "userClass", "userClass", "0.9.2342.19200300.100.1.8"),
    (466, "host", "host", "0.9.2342.19200300.100.1.9"),
    (467, "manager", "manager", "0.9.2342.19200300.100.1.10"),
    (468, "documentIdentifier", "documentIdentifier", "0.9.2342.19200300.100.1.11"),
    (469, "documentTitle", "documentTitle", "0.9.2342.19200300.100.1.12"),
    (470, "documentVersion", "documentVersion", "0.9.2342.19200300.100.1.13"),
    (471, "documentAuthor", "documentAuthor", "0.9.2342.19200300.100.1.14"),
    (472, "documentLocation", "documentLocation", "0.9.2342.19200300.100.1.15"),
    (473, "homeTelephoneNumber", "homeTelephoneNumber", "0.9.2342.19200300.100.1.20"),
    (474, "secretary", "secretary", "0.9.2342.19200300.100.1.21"),
    (475, "otherMailbox", "otherMailbox", "0.9.2342.19200300.100.1.22"),
    (476, "lastModifiedTime", "lastModifiedTime", "0.9.2342.19200300.100.1.23"),
    (477, "lastModifiedBy", "lastModifiedBy", "0.9.2342.19200300.100.1.24"),
    (478, "aRecord", "aRecord", "0.9.2342.19200300.100.1.26"),
    (479, "pilotAttributeType27", "pilotAttributeType27", "0.9.2342.19200300.100.1.27"),
    (480, "mXRecord", "mXRecord", "0.9.2342.19200300.100.1.28"),
    (481, "nSRecord", "nSRecord", "0.9.2342.19200300.100.1.29"),
    (482, "sOARecord", "sOARecord", "0.9.2342.19200300.100.1.30"),
    (483, "cNAMERecord", "cNAMERecord", "0.9.2342.19200300.100.1.31"),
    (484, "associatedDomain", "associatedDomain", "0.9.2342.19200300.100.1.37"),
    (485, "associatedName", "associatedName", "0.9.2342.19200300.100.1.38"),
    (486, "homePostalAddress", "homePostalAddress", "0.9.2342.19200300.100.1.39"),
    (487, "personalTitle", "personalTitle", "0.9.2342.19200300.100.1.40"),
    (488, "mobileTelephoneNumber", "mobileTelephoneNumber", "0.9.2342.19200300.100.1.41"),
    (489, "pagerTelephoneNumber", "pagerTelephoneNumber", "0.9.2342.19200300.100.1.42"),
    (490, "friendlyCountryName", "friendlyCountryName", "0.9.2342.19200300.100.1.43"),
    (491, "organizationalStatus", "organizationalStatus", "0.9.2342.19200300.100.1.45"),
    (492, "janetMailbox", "janetMailbox", "0.9.2342.19200300.100.1.46"),
    (493, "mailPreferenceOption", "mailPreferenceOption", "0.9.2342.19200300.100.1.47"),
    (494, "buildingName", "buildingName", "0.9.2342.19200300.100.1.48"),
    (495, "dSAQuality", "dSAQuality", "0.9.2342.19200300.100.1.49"),
    (496, "singleLevelQuality", "singleLevelQuality", "0.9.2342.19200300.100.1.50"),
    (497, "subtreeMinimumQuality", "subtreeMinimumQuality", "0.9.2342.19200300.100.1.51"),
    (498, "subtreeMaximumQuality", "subtreeMaximumQuality", "0.9.2342.19200300.100.1.52"),
    (499, "personalSignature", "personalSignature", "0.9.2342.19200300.100.1.53"),
    (500, "dITRedirect", "dITRedirect", "0.9.2342.19200300.100.1.54"),
    (501, "audio", "audio", "0.9.2342.19200300.100.1.55"),
    (502, "documentPublisher", "documentPublisher", "0.9.2342.19200300.100.1.56"),
    (503, "x500UniqueIdentifier", "x500UniqueIdentifier", "2.5.4.45"),
    (509, "generationQualifier", "generationQualifier", "2.5.4.44"),
    (510, "pseudonym", "pseudonym", "2.5.4.65"),
    (660, "street", "streetAddress", "2.5.4.9"),
    (661, "postalCode", "postalCode", "2.5.4.17"),
    (668, "RSA-SHA256", "sha256WithRSAEncryption", "1.2.840.113549.1.1.11"),
    (859, "searchGuide", "searchGuide", "2.5.4.14"),
    (860, "businessCategory", "businessCategory", "2.5.4.15"),
    (861, "postalAddress", "postalAddress", "2.5.4.16"),
    (862, "postOfficeBox", "postOfficeBox", "2.5.4.18"),
    (863, "physicalDeliveryOfficeName", "physicalDeliveryOfficeName", "2.5.4.19"),
    (864, "telephoneNumber", "telephoneNumber", "2.5.4.20"),
    (865, "telexNumber", "telexNumber", "2.5.4.21"),
    (866, "teletexTerminalIdentifier", "teletexTerminalIdentifier", "2.5.4.22"),
    (867, "facsimileTelephoneNumber", "facsimileTelephoneNumber", "2.5.4.23"),
    (868, "x121Address", "x121Address", "2.5.4.24"),
    (869, "internationaliSDNNumber", "internationaliSDNNumber", "2.5.4.25"),
    (870, "registeredAddress", "registeredAddress", "2.5.4.26"),
    (871, "destinationIndicator", "destinationIndicator", "2.5.4.27"),
    (872, "preferredDeliveryMethod", "preferredDeliveryMethod", "2.5.4.28"),
    (873, "presentationAddress", "presentationAddress", "2.5.4.29"),
    (874, "supportedApplicationContext", "supportedApplicationContext", "2.5.4.30"),
    (875, "member", "member", "2.5.4.31"),
    (876, "owner", "owner", "2.5.4.32"),
    (877, "roleOccupant", "roleOccupant", "2.5.4.33"),
    (878, "seeAlso", "seeAlso", "2.5.4.34"),
    (879, "userPassword", "userPassword", "2.5.4.35"),
    (880, "userCertificate", "userCertificate", "2.5.4.36"),
    (881, "cACertificate", "cACertificate", "2.5.4.37"),
    (882, "authorityRevocationList", "authorityRevocationList", "2.5.4.38"),
    (883, "certificateRevocationList", "certificateRevocationList", "2.5.4.39"),
    (884, "crossCertificatePair", "crossCertificatePair", "2.5.4.40"),
    (885, "enhancedSearchGuide", "enhancedSearchGuide", "2.5.4.47"),
    (886, "protocolInformation", "protocolInformation", "2.5.4.48"),
    (887, "distinguishedName", "distinguishedName", "2.5.4.49"),
    (888, "uniqueMember", "uniqueMember", "2.5.4.50"),
    (889, "houseIdentifier", "houseIdentifier", "2.5.4.51"),
    (890, "supportedAlgorithms", "supportedAlgorithms", "2.5.4.52"),
    (891, "deltaRevocationList", "deltaRevocationList", "2.5.4.53"),
    (892, "dmdName", "dmdName", "2.5.4.54"),
    (955, "jurisdictionL", "jurisdictionLocalityName", "1.3.6.1.4.1.311.60.2.1.1"),
    (956, "jurisdictionST", "jurisdictionStateOrProvinceName", "1.3.6.1.4.1.311.60.2.1.2"),
    (957, "jurisdictionC", "jurisdictionCountryName", "1.3.6.1.4.1.311.60.2.1.3"),
    (1022, "ipsecIKE", "ipsec Internet Key Exchange", "1.3.6.1.5.5.7.3.17"),
    (1023, "capwapAC", "Ctrl/provision WAP Access", "1.3.6.1.5.5.7.3.18"),
    (1024, "capwapWTP", "Ctrl/Provision WAP Termination", "1.3.6.1.5.5.7.3.19"),
    (1025, "secureShellClient", "SSH Client", "1.3.6.1.5.5.7.3.21"),
    (1026, "secureShellServer", "SSH Server", "1.3.6.1.5.5.7.3.22"),
    (1027, "sendRouter", "Send Router", "1.3.6.1.5.5.7.3.23"),
    (1028, "sendProxiedRouter", "Send Proxied Router", "1.3.6.1.5.5.7.3.24"),
    (1029, "sendOwner", "Send Owner", "1.3.6.1.5.5.7.3.25"),
    (1030, "sendProxiedOwner", "Send Proxied Owner", "1.3.6.1.5.5.7.3.26"),
    (1089, "organizationIdentifier", "organizationIdentifier", "2.5.4.97"),
    (1090, "c3", "countryCode3c", "2.5.4.98"),
    (1091, "n3", "countryCode3n", "2.5.4.99"),
    (1092, "dnsName", "dnsName", "2.5.4.100"),
    (1131, "cmcCA", "CMC Certificate Authority", "1.3.6.1.5.5.7.3.27"),
    (1132, "cmcRA", "CMC Registration Authority", "1.3.6.1.5.5.7.3.28"),
    (1219, "cmcArchive", "CMC Archive Server", "1.3.6.1.5.5.7.3.29"),
    (1220, "id-kp-bgpsec-router", "BGPsec Router", "1.3.6.1.5.5.7.3.30"),
    (1221, "id-kp-BrandIndicatorforMessageIdentification", "Brand Indicator for Message Identification", "1.3.6.1.5.5.7.3.31"),
    (1222, "cmKGA", "Certificate Management Key Generation Authority", "1.3.6.1.5.5.7.3.32"),
    (1263, "id-aa-CMSAlgorithmProtection", "id-aa-CMSAlgorithmProtection", "1.2.840.113549.1.9.52"),
];
