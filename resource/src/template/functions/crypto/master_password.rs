//! `derivePassword`: the Master Password algorithm, which makes a site's password from one that people remember.

use hmac::{Hmac, KeyInit, Mac};
use scrypt::Params;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::template::context::Context;
use crate::template::function::Parameter::{Text, Uint32};
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::value::Value;

pub(in super::super) const TABLE: &[Function] =
    &[Function::new("derivePassword", &[Uint32, Text, Text, Text, Text], derive_password)];

/// The algorithm's name for passwords, mixed into both steps.
const SCOPE: &[u8] = b"com.lyndir.masterpassword";

/// The shapes of each kind of password: a letter stands for a class of characters.
const KINDS: [(&str, &[&str]); 6] = [
    ("maximum", &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"]),
    (
        "long",
        &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
    ),
    ("medium", &["CvcnoCvc", "CvcCvcno"]),
    ("short", &["Cvcn"]),
    ("basic", &["aaanaaan", "aannaaan", "aaannaaa"]),
    ("pin", &["nnnn"]),
];

fn class(letter: u8) -> &'static [u8] {
    match letter {
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// Counter, kind, remembered password, user and site. An unknown kind comes out as text, as the reference has it.
fn derive_password(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let (kind, password, user, site) = (args.text(1)?, args.text(2)?, args.text(3)?, args.text(4)?);
    let Some((_, shapes)) = KINDS.iter().find(|(name, _)| name.as_bytes() == kind.as_bytes()) else {
        return Ok(Value::text([b"cannot find password template ", kind.as_bytes()].concat()));
    };
    context.slow_call()?;
    let counter = u32::try_from(args.int(0)?).unwrap_or(u32::MAX);
    let seed =
        seed(counter, password, user, site).ok_or(FunctionError::Unsupported("the password cannot be derived"))?;
    let shape = shapes[usize::from(seed[0]) % shapes.len()];
    let characters = shape.bytes().zip(&seed[1..]).map(|(letter, byte)| {
        let class = class(letter);
        class[usize::from(*byte) % class.len()]
    });
    Ok(Value::text(characters.collect::<Vec<u8>>()))
}

/// scrypt over the user, then HMAC-SHA-256 over the site.
fn seed(counter: u32, password: &[u8], user: &[u8], site: &[u8]) -> Option<[u8; 32]> {
    let length = |text: &[u8]| u32::try_from(text.len()).map(u32::to_be_bytes).ok();
    let salt = Zeroizing::new([SCOPE, &length(user)?, user].concat());
    let mut key = Zeroizing::new([0; 64]);
    scrypt::scrypt(password, &salt, &Params::new(15, 8, 2).ok()?, &mut *key).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&*key).ok()?;
    for part in [SCOPE, &length(site)?, site, &counter.to_be_bytes()] {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().into())
}
