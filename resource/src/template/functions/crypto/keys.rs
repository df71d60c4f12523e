//! `genPrivateKey`.

use sealed_secrets_crypto::SigningKey;

use crate::template::context::Context;
use crate::template::function::Parameter::Text;
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::value::Value;

pub(in super::super) const TABLE: &[Function] = &[Function::new("genPrivateKey", &[Text], gen_private_key).volatile()];

/// Size of the RSA keys that stand alone; those of certificates are smaller.
const RSA_BITS: u32 = 4096;

/// A PEM key of the named kind, RSA without a name. An unknown kind comes out as text, as the reference has it.
fn gen_private_key(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let kind = args.text(0)?;
    let key = match kind.as_bytes() {
        b"" | b"rsa" => {
            context.slow_call()?;
            SigningKey::generate_rsa(RSA_BITS)
        }
        b"ecdsa" => {
            context.slow_call()?;
            SigningKey::generate_p256(context.random_source())
        }
        b"ed25519" => {
            context.slow_call()?;
            SigningKey::generate_ed25519(context.random_source())
        }
        b"dsa" => return Err(FunctionError::Unsupported("DSA keys are not made: nothing accepts them any more")),
        kind => return Ok(Value::text([b"Unknown type ", kind].concat())),
    };
    let pem = key.and_then(|key| key.to_pem()).map_err(|error| FunctionError::failed(error.to_string()))?;
    Ok(Value::text(pem.as_str()))
}
