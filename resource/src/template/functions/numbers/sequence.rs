//! Counting: lists of integers, sequences as text, and random integers.

use crate::template::context::Context;
use crate::template::function::Parameter::Int;
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::limits::Limit;
use crate::template::list::List;
use crate::template::value::Value;

pub(in super::super) const TABLE: &[Function] = &[
    Function::new("until", &[Int], until),
    Function::new("untilStep", &[Int, Int, Int], until_step),
    Function::variadic("seq", &[], Int, seq),
    Function::new("randInt", &[Int, Int], rand_int).volatile(),
];

fn until(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let stop = args.int(0)?;
    count(context, 0, stop, if stop < 0 { -1 } else { 1 })
}

fn until_step(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    count(context, args.int(0)?, args.int(1)?, args.int(2)?)
}

fn count(context: &mut Context<'_>, start: i64, stop: i64, step: i64) -> FunctionResult {
    Ok(Value::List(List::ints(steps(context, start, stop, step)?)))
}

/// With one number up (or down) to it from 1, with two from the first to the last, with three by steps of the second.
fn seq(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let (start, step, end) = match args.len() {
        1 => (1, None, args.int(0)?),
        2 => (args.int(0)?, None, args.int(1)?),
        3 => (args.int(0)?, Some(args.int(1)?), args.int(2)?),
        _ => return Ok(Value::text("")),
    };
    let towards = if end < start { -1 } else { 1 };
    let numbers = steps(context, start, end.wrapping_add(towards), step.unwrap_or(towards))?;
    let texts: Vec<String> = numbers.map(|number| number.to_string()).collect();
    Ok(Value::text(texts.join(" ")))
}

/// The numbers from `start` to before `stop`; none if `step` does not lead there.
fn steps(
    context: &mut Context<'_>,
    start: i64,
    stop: i64,
    step: i64,
) -> Result<impl Iterator<Item = i64> + use<>, Limit> {
    let distance = i128::from(stop) - i128::from(start);
    let leads_there = distance.signum() == i128::from(step).signum();
    let length = if leads_there { distance.unsigned_abs().div_ceil(u128::from(step.unsigned_abs().max(1))) } else { 0 };
    let length = usize::try_from(length).map_err(|_| Limit::Allocated)?;
    context.allocate_elements(length)?;
    context.spend(length)?;
    Ok((0..length as i64).map(move |index| start.wrapping_add(index.wrapping_mul(step))))
}

/// At least the first number and below the second, each as likely as the others.
fn rand_int(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let (min, max) = (args.int(0)?, args.int(1)?);
    let choices = max.wrapping_sub(min);
    if choices <= 0 {
        return Err(FunctionError::failed("invalid argument to Intn"));
    }
    let choices = choices.cast_unsigned();
    // Numbers above the last whole multiple would make the small ones likelier.
    let fair = u64::MAX - u64::MAX % choices;
    loop {
        context.spend(1)?;
        let mut bytes = [0; 8];
        context.random(&mut bytes)?;
        let drawn = u64::from_le_bytes(bytes);
        if drawn < fair {
            return Ok(Value::Int(min.wrapping_add((drawn % choices).cast_signed())));
        }
    }
}
