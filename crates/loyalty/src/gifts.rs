//! Birthday points: when they are due.

use crate::programme::BirthdayBonus;
use chrono::{Datelike, Days, NaiveDate};

/// The year whose birthday bonus is due today: the window around that year's birthday is open and
/// `last_given` (the year the bonus was last given for) is earlier. None when nothing is due, also
/// when the bonus gives no points.
///
/// The window may go over New Year, so the year is the birthday's, not today's.
pub fn birthday_due(
    bonus: &BirthdayBonus,
    birth: NaiveDate,
    today: NaiveDate,
    last_given: Option<i32>,
) -> Option<i32> {
    if bonus.points.0 <= 0 {
        return None;
    }
    let year = birthday_window(bonus, birth, today)?;
    last_given.is_none_or(|given| given < year).then_some(year)
}

/// The year of the birthday whose window is open today; none when no window is. The day of birth
/// itself opens none: the first birthday is a year later.
pub fn birthday_window(bonus: &BirthdayBonus, birth: NaiveDate, today: NaiveDate) -> Option<i32> {
    let this = today.year();
    // The window is shorter than a year, so at most one of these is open.
    [this.checked_sub(1), Some(this), this.checked_add(1)]
        .into_iter()
        .flatten()
        .filter(|year| *year > birth.year())
        .find(|year| {
            birthday_in(birth, *year).is_some_and(|day| {
                let opens = day.checked_sub_days(Days::new(u64::from(bonus.days_before)));
                let closes = day.checked_add_days(Days::new(u64::from(bonus.days_after)));
                opens.unwrap_or(NaiveDate::MIN) <= today
                    && today <= closes.unwrap_or(NaiveDate::MAX)
            })
        })
}

/// The birthday in a year; who was born on 29 February has it on the 28th in other years.
fn birthday_in(birth: NaiveDate, year: i32) -> Option<NaiveDate> {
    birth
        .with_year(year)
        .or_else(|| NaiveDate::from_ymd_opt(year, 2, 28))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Points;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn bonus(days_before: u16, days_after: u16) -> BirthdayBonus {
        BirthdayBonus {
            days_before,
            days_after,
            ..BirthdayBonus::default()
        }
    }

    #[test]
    fn the_window_opens_before_and_closes_after() {
        let due = |today: &str| birthday_due(&bonus(3, 2), day("1990-05-12"), day(today), None);
        assert_eq!(due("2026-05-08"), None);
        assert_eq!(due("2026-05-09"), Some(2026));
        assert_eq!(due("2026-05-14"), Some(2026));
        assert_eq!(due("2026-05-15"), None);
    }

    #[test]
    fn once_a_year() {
        let due = |given| birthday_due(&bonus(0, 0), day("1990-05-12"), day("2026-05-12"), given);
        assert_eq!(due(None), Some(2026));
        assert_eq!(due(Some(2025)), Some(2026));
        assert_eq!(due(Some(2026)), None);
    }

    #[test]
    fn the_year_is_the_birthdays_when_the_window_goes_over_new_year() {
        let due =
            |birth: &str, today: &str| birthday_due(&bonus(5, 5), day(birth), day(today), None);
        assert_eq!(due("1990-01-02", "2025-12-29"), Some(2026));
        assert_eq!(due("1990-12-30", "2026-01-03"), Some(2025));
    }

    #[test]
    fn the_29th_of_february_is_the_28th_in_other_years() {
        let due = |today: &str| birthday_due(&bonus(0, 0), day("2000-02-29"), day(today), None);
        assert_eq!(due("2026-02-28"), Some(2026));
        assert_eq!(due("2026-03-01"), None);
        assert_eq!((due("2028-02-28"), due("2028-02-29")), (None, Some(2028)));
    }

    #[test]
    fn nobody_has_a_birthday_before_a_year_is_over() {
        let due =
            |birth: &str, today: &str| birthday_due(&bonus(3, 3), day(birth), day(today), None);
        assert_eq!(due("2026-05-12", "2026-05-12"), None);
        assert_eq!(due("2027-05-12", "2026-05-12"), None);
        assert_eq!(due("2025-05-12", "2026-05-12"), Some(2026));
    }

    #[test]
    fn a_bonus_of_no_points_is_never_due_and_ends_of_the_calendar_do_not_panic() {
        let none = BirthdayBonus {
            points: Points(0),
            ..bonus(60, 60)
        };
        assert_eq!(
            birthday_due(&none, day("1990-05-12"), day("2026-05-12"), None),
            None
        );
        for birth in [NaiveDate::MIN, NaiveDate::MAX] {
            for today in [NaiveDate::MIN, NaiveDate::MAX] {
                let _ = birthday_due(&bonus(60, 60), birth, today, None);
            }
        }
    }
}
