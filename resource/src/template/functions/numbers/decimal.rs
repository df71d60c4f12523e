//! Decimal arithmetic without the errors of binary fractions: `0.1 × 3` is `0.3`.

use num_bigint::{BigInt, Sign};

use crate::shortest_float::scientific;

/// `digits × 10^exponent`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    digits: BigInt,
    exponent: i64,
}

/// Places that a quotient keeps behind its point.
const QUOTIENT_PLACES: i64 = 16;

impl Decimal {
    /// The shortest decimal number that reads back as `number`; none for infinities and NaN.
    pub(super) fn from_float(number: f64) -> Option<Decimal> {
        if !number.is_finite() {
            return None;
        }
        let text = scientific(number);
        let (mantissa, exponent) = text.split_once('e')?;
        let places = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let digits = mantissa.replace('.', "").parse().ok()?;
        Some(Decimal { digits, exponent: exponent.parse::<i64>().ok()? - i64::try_from(places).ok()? })
    }

    /// The nearest float, infinite beyond the largest.
    pub(super) fn to_float(&self) -> f64 {
        let text = format!("{}e{}", self.digits, self.exponent);
        text.parse().unwrap_or(f64::NAN)
    }

    /// Length of the digits in bits, for what an operation costs.
    pub(super) fn size(&self) -> usize {
        usize::try_from(self.digits.bits()).unwrap_or(usize::MAX)
    }

    pub(super) fn add(&self, other: &Decimal) -> Decimal {
        let exponent = self.exponent.min(other.exponent);
        Decimal { digits: self.digits_at(exponent) + other.digits_at(exponent), exponent }
    }

    pub(super) fn subtract(&self, other: &Decimal) -> Decimal {
        let exponent = self.exponent.min(other.exponent);
        Decimal { digits: self.digits_at(exponent) - other.digits_at(exponent), exponent }
    }

    pub(super) fn multiply(&self, other: &Decimal) -> Decimal {
        Decimal { digits: &self.digits * &other.digits, exponent: self.exponent + other.exponent }
    }

    /// Rounded to 16 places, halves away from zero; none when dividing by zero.
    pub(super) fn divide(&self, other: &Decimal) -> Option<Decimal> {
        if other.digits.sign() == Sign::NoSign {
            return None;
        }
        let shift = self.exponent - other.exponent + QUOTIENT_PLACES;
        let dividend = &self.digits * power_of_ten(shift);
        let divisor = &other.digits * power_of_ten(-shift);
        let mut quotient = &dividend / &divisor;
        let rest = &dividend - &quotient * &divisor;
        if rest.magnitude() * 2_u32 >= *divisor.magnitude() {
            quotient += if dividend.sign() == divisor.sign() { 1 } else { -1 };
        }
        Some(Decimal { digits: quotient, exponent: -QUOTIENT_PLACES })
    }

    /// The digits for an exponent that is not larger than the number's own.
    fn digits_at(&self, exponent: i64) -> BigInt {
        &self.digits * power_of_ten(self.exponent - exponent)
    }
}

/// 1 for negative exponents.
fn power_of_ten(exponent: i64) -> BigInt {
    BigInt::from(10).pow(u32::try_from(exponent.max(0)).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(number: f64) -> Decimal {
        Decimal::from_float(number).unwrap()
    }

    #[test]
    fn sums_and_products_are_exact() {
        assert_eq!(decimal(0.1).add(&decimal(0.2)).to_float(), 0.3);
        assert_eq!(decimal(0.1).multiply(&decimal(3.0)).to_float(), 0.3);
        assert_eq!(decimal(1e308).add(&decimal(1e-308)).to_float(), 1e308);
        assert_eq!(decimal(1e308).multiply(&decimal(1e308)).to_float(), f64::INFINITY);
    }

    #[test]
    fn quotients_have_sixteen_places_and_round_halves_away_from_zero() {
        let table = [
            (1.0, 3.0, 0.333_333_333_333_333_3),
            (2.0, 3.0, 0.666_666_666_666_666_7),
            (-2.0, 3.0, -0.666_666_666_666_666_7),
            (1e-20, 3.0, 0.0),
            (5.0, 1e17, 1e-16),
            (-5.0, 1e17, -1e-16),
            (4.0, 1e17, 0.0),
            (1e300, 1e-300, f64::INFINITY),
        ];
        for (dividend, divisor, quotient) in table {
            assert_eq!(
                decimal(dividend).divide(&decimal(divisor)).unwrap().to_float(),
                quotient,
                "{dividend}/{divisor}"
            );
        }
        assert_eq!(decimal(1.0).divide(&decimal(0.0)), None);
    }

    #[test]
    fn infinities_are_no_decimals() {
        assert_eq!([f64::NAN, f64::INFINITY].map(Decimal::from_float), [None, None]);
    }
}
