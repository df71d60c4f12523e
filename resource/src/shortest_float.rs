//! The shortest text that reads back as the same float, digit for digit as Go chooses it.
//!
//! A float can lie exactly between the two shortest texts nearest to it. Rust takes the larger one then and Go the one
//! whose last digit is even: `1014635001585991.25` is `…91.2` to Go.

/// `d.ddde±x`, as `{:e}` but for the last digit; `number` is finite.
pub(crate) fn scientific(number: f64) -> String {
    even_last_digit(format!("{number:e}"), number)
}

/// The same for the shortest text of a single-precision float.
pub(crate) fn scientific_single(number: f32) -> String {
    even_last_digit(format!("{number:e}"), f64::from(number))
}

/// Without an exponent, as `{}` but for the last digit; `number` is finite.
pub(crate) fn positional(number: f64) -> String {
    let text = number.to_string();
    let (as_rust, as_go) = (format!("{number:e}"), scientific(number));
    match (mantissa(&as_rust).chars().last(), mantissa(&as_go).chars().last()) {
        (Some(rust), Some(go)) if rust != go => {
            // Behind the last significant digit only zeros can follow.
            let zeros = text.len() - text.trim_end_matches('0').len();
            let end = text.len() - zeros;
            format!("{}{go}{}", &text[..end - 1], &text[end..])
        }
        _ => text,
    }
}

/// Takes the even one of two shortest texts that are equally near to `number`; `shortest` is the larger then.
fn even_last_digit(shortest: String, number: f64) -> String {
    /// More decimals than any float has.
    const ALL: usize = 1_100;
    let (digits, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let is_odd = digits.bytes().last().is_some_and(|digit| digit % 2 == 1);
    let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    if !is_odd || !format!("{number:.*e}", decimals + 1).split('e').next().is_some_and(|text| text.ends_with('5')) {
        return shortest;
    }
    let exact = format!("{number:.ALL$e}");
    let exact = mantissa(&exact).trim_end_matches('0');
    match exact.strip_suffix('5') {
        Some(below) if below.trim_end_matches('.').len() == digits.len() => {
            format!("{}e{exponent}", below.trim_end_matches('.'))
        }
        _ => shortest,
    }
}

fn mantissa(text: &str) -> &str {
    text.split_once('e').map_or(text, |(mantissa, _)| mantissa)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Go 1.26 prints them.
    #[test]
    fn floats_between_two_shortest_texts_take_the_even_one() {
        let table = [
            ("1014635001585991.25", "1.0146350015859912e15", "1014635001585991.2"),
            ("-896655425893565.25", "-8.966554258935652e14", "-896655425893565.2"),
            ("896655425893565.75", "8.966554258935658e14", "896655425893565.8"),
            ("13474049259299.0625", "1.3474049259299062e13", "13474049259299.062"),
            ("0.5", "5e-1", "0.5"),
            ("2.5", "2.5e0", "2.5"),
            ("1e23", "1e23", "100000000000000000000000"),
            ("0.1", "1e-1", "0.1"),
            ("0", "0e0", "0"),
        ];
        for (number, exponential, plain) in table {
            let number = number.parse().unwrap();
            assert_eq!((scientific(number), positional(number)), (exponential.to_owned(), plain.to_owned()));
        }
    }
}
