//! Paths with slashes. The `os…` functions are the same: the controller runs on Linux.

use crate::template::context::Context;
use crate::template::function::Parameter::Text;
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::value::Value;

pub(super) const TABLE: &[Function] = &[
    Function::new("base", &[Text], base),
    Function::new("osBase", &[Text], base),
    Function::new("dir", &[Text], dir),
    Function::new("osDir", &[Text], dir),
    Function::new("clean", &[Text], clean),
    Function::new("osClean", &[Text], clean),
    Function::new("ext", &[Text], ext),
    Function::new("osExt", &[Text], ext),
    Function::new("isAbs", &[Text], is_abs),
    Function::new("osIsAbs", &[Text], is_abs),
];

/// The last element: `.` for an empty path, `/` for slashes alone.
fn base(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let path = args.text(0)?;
    let Some(last) = path.iter().rposition(|&byte| byte != b'/') else {
        return Ok(Value::text(if path.is_empty() { "." } else { "/" }));
    };
    let path = &path[..=last];
    Ok(Value::text(&path[after_last_slash(path)..]))
}

/// All but the last element, cleaned.
fn dir(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let path = args.text(0)?;
    Ok(Value::text(cleaned(context, &path[..after_last_slash(path)])?))
}

fn clean(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::text(cleaned(context, args.text(0)?)?))
}

/// From the last dot of the last element on.
fn ext(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let path = args.text(0)?;
    let name = &path[after_last_slash(path)..];
    Ok(Value::text(memchr::memrchr(b'.', name).map_or(&[][..], |dot| &name[dot..])))
}

fn is_abs(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Bool(args.text(0)?.starts_with(b"/")))
}

fn after_last_slash(path: &[u8]) -> usize {
    memchr::memrchr(b'/', path).map_or(0, |slash| slash + 1)
}

/// The shortest path of the same meaning: no doubled slashes, no `.`, no `..` after a name or at the root.
fn cleaned(context: &mut Context<'_>, path: &[u8]) -> Result<Vec<u8>, FunctionError> {
    context.allocate(path.len().saturating_mul(8))?;
    context.spend(path.len() / 16)?;
    let rooted = path.starts_with(b"/");
    let mut kept: Vec<&[u8]> = Vec::new();
    for element in path.split(|&byte| byte == b'/') {
        match element {
            b"" | b"." => {}
            b".." if kept.last().is_some_and(|last| *last != b"..") => drop(kept.pop()),
            b".." if rooted => {}
            element => kept.push(element),
        }
    }
    let cleaned = kept.join(&b'/');
    Ok(match (rooted, cleaned.is_empty()) {
        (true, _) => [b"/", cleaned.as_slice()].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => cleaned,
    })
}
