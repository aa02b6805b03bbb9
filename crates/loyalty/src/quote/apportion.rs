//! The method of the largest remainder (§5 rule 2).

/// Shares `total` in proportion to `weights`, in whole kopecks, to the kopeck: every share is the
/// exact one rounded down, and the kopecks that are left go to the largest fractions (the earlier
/// of equals first). A share exceeds its exact value by less than one, so with
/// `total ≤ Σ weights` no share exceeds its weight.
///
/// Negative weights count as 0; without any weight, or with `total ≤ 0`, nothing is shared.
pub(crate) fn apportion(total: i64, weights: &[i64]) -> Vec<i64> {
    let all: i128 = weights.iter().map(|w| i128::from((*w).max(0))).sum();
    if all == 0 || total <= 0 {
        return vec![0; weights.len()];
    }
    let mut shares = Vec::with_capacity(weights.len());
    let mut fractions = Vec::new();
    let mut left = total;
    for (index, weight) in weights.iter().enumerate() {
        let exact = i128::from(total) * i128::from((*weight).max(0));
        // Not more than `total`, because a weight is not more than their sum.
        let share = i64::try_from(exact / all).unwrap_or(0);
        left -= share;
        shares.push(share);
        if exact % all > 0 {
            fractions.push((exact % all, index));
        }
    }
    // Fewer kopecks are left than there are fractions: their sum is what is left.
    let count = usize::try_from(left).unwrap_or(0);
    fractions.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, index) in fractions.into_iter().take(count) {
        if let Some(share) = shares.get_mut(index) {
            *share += 1;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_largest_fractions_get_the_kopecks_that_are_left() {
        assert_eq!(apportion(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(apportion(10, &[0, 25, 75]), [0, 3, 7]);
        assert_eq!(apportion(10, &[26, 74]), [3, 7]);
        assert_eq!(apportion(10, &[0, 0]), [0, 0]);
        assert_eq!(apportion(-1, &[1]), [0]);
        assert_eq!(
            apportion(i64::MAX, &[i64::MAX, i64::MAX]),
            [i64::MAX / 2 + 1, i64::MAX / 2]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn shares_add_up_and_stay_within_a_kopeck(
            total in 0_i64..1_000_000, weights in prop::collection::vec(0_i64..100_000, 1..40),
        ) {
            let all: i64 = weights.iter().sum();
            prop_assume!(all > 0);
            let shares = apportion(total, &weights);
            prop_assert_eq!(shares.iter().sum::<i64>(), total);
            for (share, weight) in shares.iter().zip(&weights) {
                let exact = i128::from(total) * i128::from(*weight);
                let distance = i128::from(*share) * i128::from(all) - exact;
                prop_assert!(distance.abs() < i128::from(all));
                prop_assert!(total > all || share <= weight);
            }
        }
    }
}
