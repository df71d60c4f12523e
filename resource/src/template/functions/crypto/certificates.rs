//! `genCA` and its like: certificates with their keys.

use std::any::Any;
use std::net::IpAddr;

use jiff::SignedDuration;
use sealed_secrets_crypto::{Authority, CertificateRequest, SigningKey, check_certificate_pem, issue};

use crate::base64_text;
use crate::template::context::Context;
use crate::template::function::Parameter::{Int, List as AnyList, Object as OfType, Text as AnyText};
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::object::Object;
use crate::template::text::Text;
use crate::template::value::{Kind, Value};

pub(in super::super) const TABLE: &[Function] = &[
    Function::new("genCA", &[AnyText, Int], gen_ca).volatile(),
    Function::new("genCAWithKey", &[AnyText, Int, AnyText], gen_ca).volatile(),
    Function::new("genSelfSignedCert", &[AnyText, AnyList, AnyList, Int], gen_self_signed).volatile(),
    Function::new("genSelfSignedCertWithKey", &[AnyText, AnyList, AnyList, Int, AnyText], gen_self_signed).volatile(),
    Function::new("genSignedCert", &[AnyText, AnyList, AnyList, Int, OfType(CERTIFICATE)], gen_signed).volatile(),
    Function::new("genSignedCertWithKey", &[AnyText, AnyList, AnyList, Int, OfType(CERTIFICATE), AnyText], gen_signed)
        .volatile(),
    Function::new("buildCustomCert", &[AnyText, AnyText], build_custom),
];

/// Go's name of the type.
const CERTIFICATE: &str = "sprig.certificate";

/// Size of the RSA keys of certificates.
const RSA_BITS: u32 = 2048;

/// A certificate and its key, both PEM.
struct Certificate {
    certificate: Text,
    key: Text,
}

impl Object for Certificate {
    fn type_name(&self) -> &'static str {
        CERTIFICATE
    }

    fn kind(&self) -> Kind {
        Kind::Struct
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("Cert", Value::Text(self.certificate.clone())), ("Key", Value::Text(self.key.clone()))]
    }

    fn equals(&self, other: &dyn Object) -> bool {
        let other = other.as_any().downcast_ref::<Certificate>();
        other.is_some_and(|other| self.certificate == other.certificate && self.key == other.key)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Common name, days, and perhaps the key.
fn gen_ca(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let subject = Subject { common_name: args.text(0)?, names: Vec::new(), addresses: Vec::new(), days: args.int(1)? };
    make(context, &subject, Signer::ItselfForOthers, given_key(args, 2)?)
}

/// Common name, addresses, DNS names, days, and perhaps the key.
fn gen_self_signed(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    make(context, &subject(args)?, Signer::Itself, given_key(args, 4)?)
}

/// Common name, addresses, DNS names, days, the authority, and perhaps the key.
fn gen_signed(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let Some(authority) = args.value(4).downcast::<Certificate>() else {
        return Err(FunctionError::Unsupported("the authority is not a certificate"));
    };
    let subject = subject(args)?;
    let authority = Authority::from_pem(&authority.certificate, &authority.key).map_err(failed)?;
    make(context, &subject, Signer::Authority(&authority), given_key(args, 5)?)
}

/// Certificate and key as Base64 of PEM; they are checked and kept as they are.
fn build_custom(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let certificate = base64_text::decode(&args.text(0)?.to_text_lossy()).map_err(failed)?;
    let key = base64_text::decode(&args.text(1)?.to_text_lossy()).map_err(failed)?;
    check_certificate_pem(&certificate).map_err(failed)?;
    SigningKey::from_pem(&key).map_err(failed)?;
    Ok(Value::object(Certificate { certificate: Text::from(&**certificate), key: Text::from(&**key) }))
}

/// Whom a certificate is for.
struct Subject<'a> {
    common_name: &'a [u8],
    names: Vec<String>,
    addresses: Vec<IpAddr>,
    days: i64,
}

enum Signer<'a> {
    Itself,
    /// An authority.
    ItselfForOthers,
    Authority(&'a Authority),
}

fn subject(args: Arguments<'_>) -> Result<Subject<'_>, FunctionError> {
    let mut addresses = Vec::new();
    for text in texts(args, 1, "error parsing ip")? {
        let address = text.parse().map_err(|_| FunctionError::failed(format!("error parsing ip: {text}")))?;
        addresses.push(address);
    }
    let names = texts(args, 2, "error processing alternate dns name")?;
    Ok(Subject { common_name: args.text(0)?, names, addresses, days: args.int(3)? })
}

fn texts(args: Arguments<'_>, index: usize, complaint: &str) -> Result<Vec<String>, FunctionError> {
    let Some(list) = args.list(index)? else { return Ok(Vec::new()) };
    let text = |item| match item {
        Value::Text(text) => Ok(text.to_text_lossy().into_owned()),
        item => Err(FunctionError::failed(format!("{complaint}: {} is not a string", item.type_name()))),
    };
    list.iter().map(text).collect()
}

/// `None` for the functions that make a key of their own.
fn given_key<'a>(args: Arguments<'a>, index: usize) -> Result<Option<&'a Text>, FunctionError> {
    if args.len() > index { args.text(index).map(Some) } else { Ok(None) }
}

fn make(context: &mut Context<'_>, subject: &Subject<'_>, signer: Signer<'_>, key: Option<&Text>) -> FunctionResult {
    context.slow_call()?;
    let common_name =
        std::str::from_utf8(subject.common_name).map_err(|_| FunctionError::failed("asn1: string not valid UTF-8"))?;
    let key = match key {
        Some(pem) => {
            SigningKey::from_pem(pem).map_err(|error| FunctionError::failed(format!("parsing private key: {error}")))?
        }
        None => SigningKey::generate_rsa(RSA_BITS).map_err(failed)?,
    };
    // As many nanoseconds as 64 bits hold; the reference's durations wrap around.
    let validity = SignedDuration::from_nanos(subject.days.wrapping_mul(24 * 60 * 60 * 1_000_000_000));
    let not_before = context.now();
    let not_after = not_before.checked_add(validity).map_err(failed)?;
    let request = CertificateRequest {
        common_name,
        not_before,
        not_after,
        is_authority: matches!(signer, Signer::ItselfForOthers),
        names: &subject.names,
        addresses: &subject.addresses,
    };
    let authority = match signer {
        Signer::Authority(authority) => Some(authority),
        Signer::Itself | Signer::ItselfForOthers => None,
    };
    let certificate = issue(&request, &key, authority, context.random_source());
    let certificate =
        certificate.map_err(|error| FunctionError::failed(format!("error creating certificate: {error}")))?;
    let key = key.to_pem().map_err(failed)?;
    Ok(Value::object(Certificate { certificate: Text::from(certificate), key: Text::from(key.as_str()) }))
}

fn failed(error: impl ToString) -> FunctionError {
    FunctionError::failed(error.to_string())
}
