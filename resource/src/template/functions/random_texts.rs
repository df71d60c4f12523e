//! Random texts. The bytes come from the context's source; each character is as likely as any other.

use super::runes::runes;
use crate::template::context::Context;
use crate::template::function::Parameter::{Int, Text};
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::value::Value;

pub(super) const TABLE: &[Function] = &[
    Function::new("randAlphaNum", &[Int], rand_alpha_num).volatile(),
    Function::new("randAlpha", &[Int], rand_alpha).volatile(),
    Function::new("randAscii", &[Int], rand_ascii).volatile(),
    Function::new("randNumeric", &[Int], rand_numeric).volatile(),
    Function::new("shuffle", &[Text], shuffle).volatile(),
];

const LETTERS_AND_DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

fn rand_alpha_num(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    random_text(context, args.int(0)?, LETTERS_AND_DIGITS)
}

fn rand_alpha(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    random_text(context, args.int(0)?, &LETTERS_AND_DIGITS[..52])
}

fn rand_numeric(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    random_text(context, args.int(0)?, &LETTERS_AND_DIGITS[52..])
}

/// Characters from the blank to `~`.
fn rand_ascii(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let printable: Vec<u8> = (b' '..=b'~').collect();
    random_text(context, args.int(0)?, &printable)
}

fn shuffle(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let text = args.text(0)?;
    context.allocate(text.len().saturating_mul(8))?;
    context.spend(text.len())?;
    let mut characters: Vec<char> = runes(text).map(|rune| rune.char).collect();
    for last in (1..characters.len()).rev() {
        let other = random_below(context, last + 1)?;
        characters.swap(last, other);
    }
    Ok(Value::text(characters.into_iter().collect::<String>()))
}

/// `count` characters of `alphabet`; none for a negative count, as in Sprig.
fn random_text(context: &mut Context<'_>, count: i64, alphabet: &[u8]) -> FunctionResult {
    let count = usize::try_from(count).unwrap_or_default();
    context.allocate(count)?;
    context.spend(count / 16)?;
    // Bytes from here on would make the first characters likelier.
    let fair = 256 - 256 % alphabet.len();
    let mut text = Vec::with_capacity(count);
    let mut bytes = [0; 64];
    while text.len() < count {
        context.random(&mut bytes)?;
        let chosen = bytes.iter().map(|&byte| usize::from(byte)).filter(|&byte| byte < fair);
        text.extend(chosen.map(|byte| alphabet[byte % alphabet.len()]).take(count - text.len()));
    }
    Ok(Value::text(text))
}

/// A number from 0 to `bound` - 1.
fn random_below(context: &mut Context<'_>, bound: usize) -> Result<usize, FunctionError> {
    let bound = bound as u64;
    let fair = u64::MAX - u64::MAX % bound;
    loop {
        let mut bytes = [0; 8];
        context.random(&mut bytes)?;
        let number = u64::from_le_bytes(bytes);
        if number < fair {
            return Ok((number % bound) as usize);
        }
    }
}
