//! New ids that grow with time.

use uuid::{Builder, Uuid};

/// Ids (UUIDv7) that grow one by one: rows that are made in turn lie side by side, so that an import
/// appends to a table instead of writing all over it. Begins at `now_ms` (milliseconds since 1970 UTC)
/// and with random bits, so that two sequences of one millisecond do not meet.
pub fn sequence(now_ms: i64) -> impl FnMut() -> String {
    let random = Uuid::new_v4().into_bytes();
    let millis = u64::try_from(now_ms).unwrap_or_default();
    let mut next: u32 = 0;
    move || {
        let [_, b, c, d, .., w, x, y, z] = random;
        let [_, high, middle, low] = next.to_be_bytes();
        // The first three bytes stay, the counter comes before what is random below it.
        let tail = [b, c, d, high, middle, low, w, x, y, z];
        next = next.wrapping_add(1);
        Builder::from_unix_timestamp_millis(millis, &tail)
            .into_uuid()
            .hyphenated()
            .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_with_number_and_time() {
        let mut first = sequence(1_700_000_000_000);
        let mut ids: Vec<String> = (0..70_000).map(|_| first()).collect();
        ids.push(sequence(1_700_000_000_001)());
        assert!(ids.is_sorted());
        ids.dedup();
        assert_eq!(ids.len(), 70_001);
        assert!(
            ids.iter()
                .all(|id| crate::text::uuid(id).as_ref() == Some(id))
        );
    }
}
