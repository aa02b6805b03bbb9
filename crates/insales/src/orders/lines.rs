//! What the lines of an order cost in the shop: pure.
//!
//! A shop takes a price for each unit and no discount when an order is made (insales.md §6.2), so discounts
//! are in the prices: a line whose sum is no price by a quantity becomes two lines a kopeck apart. The shop
//! so works out the very sum that the customer was told.

/// A line as the shop takes it: price of a unit, kopecks, and quantity, thousandths.
pub type Line = (i64, i64);

/// Shares out `discount` (kopecks) among `sums` (kopecks, none negative) in proportion to them, to the
/// kopeck; no share is greater than its sum. What is more than all of them is left over.
#[must_use]
pub fn shares(sums: &[i64], discount: i64) -> Vec<i64> {
    let all: i128 = sums.iter().map(|sum| i128::from(*sum)).sum();
    let given = i128::from(discount).clamp(0, all.max(0));
    let share = |sum: &i64| match all {
        0 => 0,
        all => given * i128::from(*sum) / all,
    };
    let mut shares: Vec<i128> = sums.iter().map(share).collect();
    let mut left = given - shares.iter().sum::<i128>();
    for (share, sum) in shares.iter_mut().zip(sums) {
        if left > 0 && *share < i128::from(*sum) {
            *share += 1;
            left -= 1;
        }
    }
    let shares = shares.into_iter();
    shares
        .map(|s| i64::try_from(s).unwrap_or_default())
        .collect()
}

/// The lines that together are `quantity` (thousandths, above zero) and cost `sum` (kopecks): one at
/// `price` where that is what it costs.
#[must_use]
pub fn split(price: i64, quantity: i64, sum: i64) -> Vec<Line> {
    if cost(price, quantity) == i128::from(sum) {
        return vec![(price, quantity)];
    }
    let exact = i128::from(sum) * 1000 / i128::from(quantity.max(1));
    let exact = i64::try_from(exact).unwrap_or(i64::MAX);
    let (units, part) = (quantity / 1000, quantity % 1000);
    let mut lines = Vec::new();
    let mut left = sum;
    if part > 0 {
        // Less than a unit: a kopeck more for the unit is at most one more for the part.
        let nearest = [exact, exact.saturating_add(1)].into_iter();
        let mut fits = nearest.filter(|price| units > 0 || cost(*price, part) == i128::from(sum));
        let price = fits.next().unwrap_or(exact);
        lines.push((price, part));
        left = left.saturating_sub(i64::try_from(cost(price, part)).unwrap_or_default());
    }
    if units > 0 {
        let (low, dearer) = (left.div_euclid(units), left.rem_euclid(units));
        let both = [(low + 1, dearer), (low, units - dearer)];
        let both = both.into_iter().filter(|(_, units)| *units > 0);
        lines.extend(both.map(|(price, units)| (price, units * 1000)));
    }
    lines
}

/// What a quantity costs, kopecks, rounded half up.
#[must_use]
pub fn cost(price: i64, quantity: i64) -> i128 {
    (i128::from(price) * i128::from(quantity) + 500).div_euclid(1000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sum_that_is_a_price_by_a_quantity_is_one_line() {
        assert_eq!(split(10_000, 3_000, 30_000), [(10_000, 3_000)]);
        assert_eq!(split(9_999, 355, 3_550), [(9_999, 355)]);
        assert_eq!(split(10_000, 3_000, 27_000), [(9_000, 3_000)]);
        // 290.00 for three.
        let expected = [(9_667, 2_000), (9_666, 1_000)];
        assert_eq!(split(10_000, 3_000, 29_000), expected);
        assert_eq!(split(10_000, 2_000, 0), [(0, 2_000)]);
    }

    proptest! {
        #[test]
        fn lines_cost_the_sum_and_are_the_quantity(
            price in 0..100_000_000_i64, quantity in 1..5_000_000_i64, percent in 0..=100_i64,
        ) {
            let gross = i64::try_from(cost(price, quantity)).unwrap();
            let sum = gross - gross * percent / 100;
            let lines = split(price, quantity, sum);
            prop_assert!(lines.len() <= 3);
            prop_assert!(lines.iter().all(|(price, quantity)| *price >= 0 && *quantity > 0));
            prop_assert_eq!(lines.iter().map(|line| line.1).sum::<i64>(), quantity);
            let costs: i128 = lines.iter().map(|(price, quantity)| cost(*price, *quantity)).sum();
            prop_assert_eq!(costs, i128::from(sum));
        }

        #[test]
        fn shares_are_the_discount(
            sums in proptest::collection::vec(0..1_000_000_000_000_i64, 0..20), discount in 0..1_000_000_000_000_i64,
        ) {
            let shares = shares(&sums, discount);
            prop_assert_eq!(shares.len(), sums.len());
            prop_assert!(shares.iter().zip(&sums).all(|(share, sum)| (0..=*sum).contains(share)));
            let all: i64 = sums.iter().sum();
            prop_assert_eq!(shares.iter().sum::<i64>(), discount.min(all));
        }
    }
}
