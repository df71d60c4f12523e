//! Go's `fmt`: how values become text.

mod float;
mod printer;
pub(super) mod quote;
mod value;
mod verbs;

use printer::Printer;
pub(super) use verbs::sprintf;

use super::context::Context;
use super::limits::Limit;
use super::value::Value;

/// `fmt.Sprint`: a blank between two values of which neither is a string.
pub(super) fn sprint(context: &mut Context<'_>, values: &[Value]) -> Result<Vec<u8>, Limit> {
    let mut printer = Printer::new(context);
    let mut after_text = true;
    for (index, value) in values.iter().enumerate() {
        let text = matches!(value, Value::Text(_));
        if index > 0 && !text && !after_text {
            printer.write(b" ")?;
        }
        printer.argument(value, 'v')?;
        after_text = text;
    }
    Ok(printer.finish())
}

/// `fmt.Sprint` of one value, of at most `room` bytes.
pub(super) fn sprint_within(context: &mut Context<'_>, value: &Value, room: usize) -> Result<Vec<u8>, Limit> {
    let mut printer = Printer::new(context).within(room);
    printer.argument(value, 'v')?;
    Ok(printer.finish())
}

/// `fmt.Sprintln`: blanks between all, and a newline.
pub(super) fn sprintln(context: &mut Context<'_>, values: &[Value]) -> Result<Vec<u8>, Limit> {
    let mut printer = Printer::new(context);
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            printer.write(b" ")?;
        }
        printer.argument(value, 'v')?;
    }
    printer.write(b"\n")?;
    Ok(printer.finish())
}
