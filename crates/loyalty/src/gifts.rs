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
