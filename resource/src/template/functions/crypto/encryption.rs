//! `encryptAES` and `decryptAES`: AES-256-CBC with a random IV in front, not authenticated. Compatible, no more.

use aes::Aes256;
use cbc::cipher::{Array, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use cbc::{Decryptor, Encryptor};
use zeroize::Zeroizing;

use crate::base64_text;
use crate::template::context::Context;
use crate::template::function::Parameter::Text;
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::value::Value;

pub(in super::super) const TABLE: &[Function] = &[
    Function::new("encryptAES", &[Text, Text], encrypt_aes).volatile(),
    Function::new("decryptAES", &[Text, Text], decrypt_aes),
];

/// Bytes of a block, and of the IV.
const BLOCK: usize = 16;

fn encrypt_aes(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let (password, text) = (args.text(0)?, args.text(1)?);
    if text.is_empty() {
        return Ok(Value::text(""));
    }
    context.spend(text.len() / BLOCK)?;
    context.allocate(3 * text.len())?;
    let mut iv = [0; BLOCK];
    context.random(&mut iv)?;
    let padding = BLOCK - text.len() % BLOCK;
    let mut blocks = Zeroizing::new(text.to_vec());
    // Between 1 and 16, so it fits a byte.
    blocks.resize(text.len() + padding, padding as u8);
    let mut cipher = Encryptor::<Aes256>::new((&*key(password)).into(), &iv.into());
    cipher.encrypt_blocks(Array::cast_slice_from_core_mut(blocks.as_chunks_mut().0));
    Ok(Value::text(base64_text::encode(&[&iv[..], &blocks].concat())))
}

fn decrypt_aes(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let (password, text) = (args.text(0)?, args.text(1)?);
    if text.is_empty() {
        return Ok(Value::text(""));
    }
    context.spend(text.len() / BLOCK)?;
    context.allocate(text.len())?;
    let mut bytes =
        base64_text::decode(&text.to_text_lossy()).map_err(|error| FunctionError::failed(error.to_string()))?;
    let Some((iv, blocks)) = bytes.split_first_chunk_mut::<BLOCK>() else {
        return Err(FunctionError::failed("runtime error: slice bounds out of range"));
    };
    let (chunks, []) = blocks.as_chunks_mut() else {
        return Err(FunctionError::failed("crypto/cipher: input not full blocks"));
    };
    let mut cipher = Decryptor::<Aes256>::new((&*key(password)).into(), (&*iv).into());
    cipher.decrypt_blocks(Array::cast_slice_from_core_mut(chunks));
    // The last byte says how much is padding; the reference does not look at the rest of it.
    let length = blocks.last().and_then(|padding| blocks.len().checked_sub(usize::from(*padding)));
    let length = length.ok_or_else(|| FunctionError::failed("runtime error: slice bounds out of range"))?;
    Ok(Value::text(&blocks[..length]))
}

/// The password's bytes, cut or filled with zeros.
fn key(password: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    key.iter_mut().zip(password).for_each(|(to, from)| *to = *from);
    key
}
