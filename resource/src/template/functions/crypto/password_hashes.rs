//! `bcrypt` and `htpasswd`.

use base64::Engine;
use base64::alphabet::BCRYPT;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use zeroize::Zeroizing;

use crate::template::context::Context;
use crate::template::function::Parameter::Text;
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::value::Value;

pub(in super::super) const TABLE: &[Function] = &[
    Function::new("bcrypt", &[Text], bcrypt).volatile(),
    Function::new("htpasswd", &[Text, Text], htpasswd).volatile(),
];

/// Two to this power rounds; templates cannot choose it.
const COST: u32 = 10;

/// The algorithm takes no more bytes; the reference refuses what it would cut.
const LONGEST: usize = 72;

const BASE64: GeneralPurpose = GeneralPurpose::new(&BCRYPT, NO_PAD);

fn bcrypt(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::text(hash(context, args.text(0)?)?))
}

/// A line of a password file; a bad user name comes out as text, as the reference has it.
fn htpasswd(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let (user, password) = (args.text(0)?, args.text(1)?);
    if user.contains(&b':') {
        return Ok(Value::text([b"invalid username: ", user.as_bytes()].concat()));
    }
    let hash = hash(context, password)?;
    Ok(Value::text([user.as_bytes(), b":", hash.as_bytes()].concat()))
}

fn hash(context: &mut Context<'_>, password: &[u8]) -> Result<String, FunctionError> {
    if password.len() > LONGEST {
        return Ok("failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes".to_owned());
    }
    context.slow_call()?;
    let mut salt = [0; 16];
    context.random(&mut salt)?;
    Ok(format(COST, salt, password))
}

/// `$2a$`, the cost, and salt and hash without their padding.
fn format(cost: u32, salt: [u8; 16], password: &[u8]) -> String {
    // A zero byte ends the password, where there is room for it.
    let mut terminated = Zeroizing::new(password.to_vec());
    terminated.push(0);
    terminated.truncate(LONGEST);
    let hash = ::bcrypt::bcrypt(cost, salt, &terminated);
    format!("$2a${cost:02}${}{}", BASE64.encode(salt), BASE64.encode(&hash[..23]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes that Go made.
    #[test]
    fn hashes_are_those_of_the_reference() {
        let long = "x".repeat(72);
        let table = [
            ("x", "$2a$10$qRKC15POjpB9gE5U5y6lSeqp8KPb.DInrhq63XjbkAmaFZ8aBdseS"),
            ("", "$2a$10$9gdUhKw6UUxgof.OlwT0feC8vaIrQfE4iQYEYYw1p04.FjRgppfKG"),
            (&long, "$2a$10$USTECG3yfTX4.T57IkwnAu08twyzjtdP0N4QdbRSJthO9ojGlhDzO"),
            ("pässwörd", "$2a$10$AVmv4gsx5FxN.hySglvJZ.t2h5lncZzmXlaa4bbnCfVHt7/ZCancu"),
            ("a\0b", "$2a$10$ZtIHAzkcKZDZ8XGnAOsQ0uORbrLfhNfs9.j/dzx2m2ilZuHY8ijRe"),
        ];
        for (password, expected) in table {
            let salt = BASE64.decode(&expected[7..29]).unwrap().try_into().unwrap();
            assert_eq!(format(COST, salt, password.as_bytes()), expected);
        }
    }
}
