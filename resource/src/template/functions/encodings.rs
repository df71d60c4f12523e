//! Base64, Base32 and hashes.

use std::fmt::Write as _;

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use crate::base64_text;
use crate::template::context::Context;
use crate::template::function::Parameter::Text;
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::value::Value;

pub(super) const TABLE: &[Function] = &[
    Function::new("b64enc", &[Text], b64enc),
    Function::new("b64dec", &[Text], b64dec),
    Function::new("b32enc", &[Text], b32enc),
    Function::new("b32dec", &[Text], b32dec),
    Function::new("sha1sum", &[Text], sha1sum),
    Function::new("sha256sum", &[Text], sha256sum),
    Function::new("sha512sum", &[Text], sha512sum),
    Function::new("adler32sum", &[Text], adler32sum),
];

fn b64enc(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let text = read(context, args)?;
    Ok(Value::text(base64_text::encode(text)))
}

/// The error's text is the result where the argument is not Base64.
fn b64dec(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    // Bytes past ASCII are as wrong as `!` is, and at the same place.
    let readable = |&byte: &u8| if byte.is_ascii() { char::from(byte) } else { '!' };
    let text: String = read(context, args)?.iter().map(readable).collect();
    Ok(match base64_text::decode(&text) {
        Ok(decoded) => Value::text(decoded.as_slice()),
        Err(error) => Value::text(error.to_string()),
    })
}

fn b32enc(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let text = read(context, args)?;
    let mut encoded = String::with_capacity(text.len().div_ceil(5) * 8);
    for block in text.chunks(5) {
        let mut bytes = [0; 8];
        bytes[3..3 + block.len()].copy_from_slice(block);
        let bits = u64::from_be_bytes(bytes);
        let digits = (block.len() * 8).div_ceil(5);
        for index in 0..8 {
            let digit = usize::try_from(bits >> (35 - index * 5) & 31).unwrap_or_default();
            encoded.push(if index < digits { char::from(BASE32[digit]) } else { '=' });
        }
    }
    Ok(Value::text(encoded))
}

/// The error's text is the result where the argument is not Base32.
fn b32dec(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let text: Vec<u8> = read(context, args)?.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    Ok(match base32_decoded(&text) {
        Ok(decoded) => Value::text(decoded),
        Err(at) => Value::text(format!("illegal base32 data at input byte {at}")),
    })
}

fn sha1sum(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(hexadecimal(&Sha1::digest(read(context, args)?)))
}

fn sha256sum(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(hexadecimal(&Sha256::digest(read(context, args)?)))
}

fn sha512sum(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(hexadecimal(&Sha512::digest(read(context, args)?)))
}

/// RFC 1950, in decimal.
fn adler32sum(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    const MODULUS: u32 = 65_521;
    let (mut sum, mut sum_of_sums) = (1_u32, 0_u32);
    for &byte in read(context, args)? {
        sum = (sum + u32::from(byte)) % MODULUS;
        sum_of_sums = (sum_of_sums + sum) % MODULUS;
    }
    Ok(Value::text((sum_of_sums << 16 | sum).to_string()))
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Decodes blocks of eight digits up to the first padded one; `Err` is the place that Go reports.
fn base32_decoded(text: &[u8]) -> Result<Vec<u8>, usize> {
    let mut decoded = Vec::with_capacity(text.len() / 8 * 5 + 5);
    let mut start = 0;
    while start < text.len() {
        let block = &text[start..text.len().min(start + 8)];
        let digit = |byte: &u8| BASE32.iter().position(|digit| digit == byte);
        let digits: Vec<u64> = block.iter().map_while(digit).map(|digit| digit as u64).collect();
        let count = digits.len();
        if count < 8 {
            check_padding(text, start, count)?;
        }
        let bits = (0..8).fold(0, |bits, index| bits << 5 | digits.get(index).copied().unwrap_or_default());
        decoded.extend_from_slice(&bits.to_be_bytes()[3..3 + count * 5 / 8]);
        if count < 8 {
            break;
        }
        start += 8;
    }
    Ok(decoded)
}

/// What follows the `count` digits of the block at `start` must be padding up to the block's end, and the count one that
/// whole bytes give.
fn check_padding(text: &[u8], start: usize, count: usize) -> Result<(), usize> {
    let at = start + count;
    match text.get(at) {
        None => return Err(start),
        Some(b'=') if count >= 2 && text.len() - at <= 8 => {}
        Some(_) => return Err(at),
    }
    let padding = &text[at..text.len().min(start + 8)];
    if padding.len() < 8 - count {
        return Err(text.len());
    }
    if let Some(other) = padding.iter().position(|&byte| byte != b'=') {
        return Err(at + other - 1);
    }
    if matches!(count, 3 | 6) { Err(at) } else { Ok(()) }
}

fn read<'a>(context: &mut Context<'_>, args: Arguments<'a>) -> Result<&'a [u8], FunctionError> {
    let text = args.text(0)?;
    context.spend(text.len() / 64)?;
    context.allocate(text.len())?;
    Ok(text)
}

fn hexadecimal(hash: &[u8]) -> Value {
    let mut text = String::with_capacity(hash.len() * 2);
    for byte in hash {
        let _ = write!(text, "{byte:02x}");
    }
    Value::text(text)
}
