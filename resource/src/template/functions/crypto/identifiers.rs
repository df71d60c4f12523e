//! Random ids and bytes.

use std::fmt::Write as _;

use zeroize::Zeroizing;

use crate::base64_text;
use crate::template::context::Context;
use crate::template::function::Parameter::Int;
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::value::Value;

pub(in super::super) const TABLE: &[Function] =
    &[Function::new("uuidv4", &[], uuid_v4).volatile(), Function::new("randBytes", &[Int], rand_bytes).volatile()];

/// RFC 9562 section 5.4.
fn uuid_v4(context: &mut Context<'_>, _: Arguments<'_>) -> FunctionResult {
    let mut bytes = [0; 16];
    context.random(&mut bytes)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing to memory does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(Value::text(text))
}

/// So many random bytes as Base64.
fn rand_bytes(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let length = usize::try_from(args.int(0)?)
        .map_err(|_| FunctionError::failed("runtime error: makeslice: len out of range"))?;
    context.allocate(length.saturating_mul(3))?;
    let mut bytes = Zeroizing::new(vec![0; length]);
    context.random(&mut bytes)?;
    Ok(Value::text(base64_text::encode(&bytes)))
}
