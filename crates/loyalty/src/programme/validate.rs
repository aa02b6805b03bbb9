//! What serde cannot check: ranges, references, order.

use super::{Channel, Programme, Schedule, read};
use crate::text;
use crate::units::{Kopecks, Percent};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

/// Bounds of settings, each with its unit in the name.
pub mod limits {
    /// Entries in one table or list of rules.
    pub const MAX_RULES: usize = 10_000;
    /// Tiers.
    pub const MAX_TIERS: usize = 20;
    /// Entries of the schedule and steps of the receipt discount: looked through one by one.
    pub const MAX_STEPS: usize = 50;
    /// Characters in an id.
    pub const MAX_ID_CHARS: usize = 64;
    /// Characters in the address of a webhook.
    pub const MAX_URL_CHARS: usize = 500;
    /// Characters in the cashier's message (§3.4).
    pub const MAX_MESSAGE_CHARS: usize = 140;
    /// Kopecks a point may be worth.
    pub const MAX_POINT_KOPECKS: i64 = 1_000_000;
    /// Points of one gift or cap.
    pub const MAX_POINTS: i64 = 1_000_000_000;
    /// Kopecks of a threshold or of a floor: ten thousand million rubles.
    pub const MAX_KOPECKS: i64 = 1_000_000_000_000;
    /// Points of a welcome or birthday gift.
    pub const MAX_GIFT_POINTS: i64 = 1_000_000;
    /// Days until points become active.
    pub const MAX_ACTIVE_AFTER_DAYS: u16 = 365;
    /// Days of life of points.
    pub const MAX_EXPIRE_AFTER_DAYS: u16 = 3650;
    /// Days before or after a birthday.
    pub const MAX_BIRTHDAY_DAYS: u16 = 60;
    /// Months of the tiers' window.
    pub const MAX_WINDOW_MONTHS: u16 = 120;
}

/// One thing wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where: field names and indexes with dots, `tiers.levels.2.id`.
    pub path: String,
    /// What is wrong, in Russian, for the merchant.
    pub message: String,
}

/// Everything that is wrong with a programme.
pub(super) fn problems(programme: &Programme) -> Vec<Problem> {
    let mut found = Found(Vec::new());
    found.earning(programme);
    found.spending(programme);
    found.discounts(programme);
    found.tiers(programme);
    found.codes(programme);
    found.receipt(programme);
    found.0
}

/// The problems found so far.
struct Found(Vec<Problem>);

impl Found {
    fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem {
            path: path.into(),
            message: message.into(),
        });
    }

    /// A number must lie in a range.
    fn range<N: PartialOrd + Display>(&mut self, path: &str, value: N, least: N, most: N) {
        if value < least || value > most {
            self.add(
                path,
                format!("должно быть от {least} до {most}, а указано {value}"),
            );
        }
    }

    fn kopecks(&mut self, path: &str, value: Kopecks) {
        self.range(path, value.0, 0, limits::MAX_KOPECKS);
    }

    fn optional_days(&mut self, path: &str, days: Option<u16>) {
        if let Some(days) = days {
            self.range(path, days, 1, limits::MAX_EXPIRE_AFTER_DAYS);
        }
    }

    /// The keys of a table or the members of a list of ids.
    fn ids<'a>(&mut self, path: &str, ids: impl ExactSizeIterator<Item = &'a String>) {
        if ids.len() > limits::MAX_RULES {
            self.add(path, format!("не больше {} записей", limits::MAX_RULES));
            return;
        }
        for id in ids {
            if id.is_empty() || id.trim() != id || id.chars().count() > limits::MAX_ID_CHARS {
                self.add(
                    format!("{path}.{id}"),
                    format!(
                        "идентификатор: от 1 до {} символов, без пробелов по краям",
                        limits::MAX_ID_CHARS
                    ),
                );
            } else if read::normal(id.clone()) != *id {
                // Reading leaves capitals to the second one alone.
                self.add(
                    format!("{path}.{id}"),
                    "этот идентификатор указан дважды: заглавными буквами и строчными",
                );
            }
        }
    }

    /// The keys of a table by tier.
    fn tier_ids(&mut self, path: &str, table: &BTreeMap<String, Percent>, programme: &Programme) {
        for id in table
            .keys()
            .filter(|id| crate::tiers::by_id(&programme.tiers, id).is_none())
        {
            self.add(format!("{path}.{id}"), "такого уровня нет в tiers.levels");
        }
    }

    /// The four tables that earning, spending and discounts share.
    fn goods(
        &mut self,
        path: &str,
        goods: [&BTreeMap<String, Percent>; 2],
        excluded: [&BTreeSet<String>; 2],
    ) {
        let names = [
            ("goods", "excluded_goods"),
            ("categories", "excluded_categories"),
        ];
        for ((name, excluded_name), (table, set)) in
            names.into_iter().zip(goods.into_iter().zip(excluded))
        {
            self.ids(&format!("{path}.{name}"), table.keys());
            self.ids(&format!("{path}.{excluded_name}"), set.iter());
            for id in table.keys().filter(|id| set.contains(*id)) {
                self.add(
                    format!("{path}.{name}.{id}"),
                    format!("то же указано и в {path}.{excluded_name}: оставьте одно"),
                );
            }
        }
    }

    fn earning(&mut self, programme: &Programme) {
        let rules = &programme.earning;
        self.goods(
            "earning",
            [&rules.goods, &rules.categories],
            [&rules.excluded_goods, &rules.excluded_categories],
        );
        self.tier_ids("earning.tiers", &rules.tiers, programme);
        self.ids("earning.stores", rules.stores.keys());
        self.schedule(&rules.schedule);
        self.kopecks("earning.min_receipt_kopecks", rules.min_receipt_kopecks);
        if let Some(cap) = rules.max_points_per_receipt {
            self.range(
                "earning.max_points_per_receipt",
                cap.0,
                1,
                limits::MAX_POINTS,
            );
        }
        self.active("earning.active_after_days", rules.active_after_days);
        self.optional_days("earning.expire_after_days", rules.expire_after_days);
        if let Some(welcome) = &rules.welcome {
            self.range(
                "earning.welcome.points",
                welcome.points.0,
                1,
                limits::MAX_GIFT_POINTS,
            );
            self.active(
                "earning.welcome.active_after_days",
                welcome.active_after_days,
            );
            self.optional_days(
                "earning.welcome.expire_after_days",
                welcome.expire_after_days,
            );
        }
        if let Some(birthday) = &rules.birthday {
            let most = limits::MAX_BIRTHDAY_DAYS;
            self.range(
                "earning.birthday.points",
                birthday.points.0,
                0,
                limits::MAX_GIFT_POINTS,
            );
            self.range(
                "earning.birthday.days_before",
                birthday.days_before,
                0,
                most,
            );
            self.range("earning.birthday.days_after", birthday.days_after, 0, most);
            self.optional_days(
                "earning.birthday.expire_after_days",
                birthday.expire_after_days,
            );
        }
    }

    fn active(&mut self, path: &str, days: u16) {
        self.range(path, days, 0, limits::MAX_ACTIVE_AFTER_DAYS);
    }

    fn schedule(&mut self, entries: &[Schedule]) {
        self.steps("earning.schedule", entries.len());
        for (index, entry) in entries.iter().enumerate() {
            if entry.from == entry.to {
                self.add(
                    format!("earning.schedule.{index}.to"),
                    "начало и конец совпадают; весь день — это с 00:00 до 24:00",
                );
            }
            if entry
                .since
                .zip(entry.until)
                .is_some_and(|(since, until)| until < since)
            {
                self.add(
                    format!("earning.schedule.{index}.until"),
                    "раньше, чем since",
                );
            }
        }
    }

    fn steps(&mut self, path: &str, count: usize) {
        if count > limits::MAX_STEPS {
            self.add(path, format!("не больше {} записей", limits::MAX_STEPS));
        }
    }

    fn spending(&mut self, programme: &Programme) {
        let rules = &programme.spending;
        let point = rules.point_kopecks.0;
        self.range(
            "spending.point_kopecks",
            point,
            1,
            limits::MAX_POINT_KOPECKS,
        );
        self.goods(
            "spending",
            [&rules.goods, &rules.categories],
            [&rules.excluded_goods, &rules.excluded_categories],
        );
        self.tier_ids("spending.tiers", &rules.tiers, programme);
        self.ids(
            "spending.price_floors_kopecks",
            rules.price_floors_kopecks.keys(),
        );
        for (id, floor) in &rules.price_floors_kopecks {
            self.kopecks(&format!("spending.price_floors_kopecks.{id}"), *floor);
        }
        self.range(
            "spending.min_points",
            rules.min_points.0,
            1,
            limits::MAX_POINTS,
        );
        self.kopecks("spending.min_receipt_kopecks", rules.min_receipt_kopecks);
    }

    fn discounts(&mut self, programme: &Programme) {
        let rules = &programme.discounts;
        self.goods(
            "discounts",
            [&rules.goods, &rules.categories],
            [&rules.excluded_goods, &rules.excluded_categories],
        );
        self.tier_ids("discounts.tiers", &rules.tiers, programme);
        self.steps("discounts.receipt", rules.receipt.len());
        let mut seen = BTreeSet::new();
        for (index, step) in rules.receipt.iter().enumerate() {
            let path = format!("discounts.receipt.{index}.from_kopecks");
            self.kopecks(&path, step.from_kopecks);
            if !seen.insert(step.from_kopecks) {
                self.add(path, "две ступени с одной суммой");
            }
        }
    }

    fn tiers(&mut self, programme: &Programme) {
        let rules = &programme.tiers;
        if let Some(months) = rules.window_months {
            self.range("tiers.window_months", months, 1, limits::MAX_WINDOW_MONTHS);
        }
        if rules.levels.len() > limits::MAX_TIERS {
            self.add(
                "tiers.levels",
                format!("не больше {} уровней", limits::MAX_TIERS),
            );
        }
        let mut ids = BTreeSet::new();
        let mut before: Option<Kopecks> = None;
        for (index, tier) in rules.levels.iter().enumerate() {
            let path = |field: &str| format!("tiers.levels.{index}.{field}");
            if !is_tier_id(&tier.id) {
                self.add(
                    path("id"),
                    format!(
                        "от 1 до {} латинских букв, цифр, знаков - и _",
                        limits::MAX_ID_CHARS
                    ),
                );
            }
            if !ids.insert(&tier.id) {
                self.add(path("id"), "два уровня с одним идентификатором");
            }
            if !is_line(&tier.name, limits::MAX_ID_CHARS) {
                self.add(
                    path("name"),
                    format!(
                        "название: от 1 до {} символов в одну строку",
                        limits::MAX_ID_CHARS
                    ),
                );
            }
            self.kopecks(&path("from_kopecks"), tier.from_kopecks);
            if before.is_some_and(|before| tier.from_kopecks <= before) {
                self.add(path("from_kopecks"), "уровни идут по возрастанию суммы");
            }
            before = Some(tier.from_kopecks);
        }
    }

    fn codes(&mut self, programme: &Programme) {
        let rules = &programme.codes;
        if let Some(points) = rules.spending_above {
            self.range("codes.spending_above", points.0, 0, limits::MAX_POINTS);
        }
        if let Channel::Webhook { url } = &rules.channel {
            if let Err(why) = sklad_store::public(url) {
                self.add("codes.channel.url", why.to_string());
            } else if url.chars().count() > limits::MAX_URL_CHARS {
                self.add(
                    "codes.channel.url",
                    format!("не больше {} символов", limits::MAX_URL_CHARS),
                );
            }
        }
        self.range("codes.length", rules.length, 4, 8);
        self.range("codes.lifetime_seconds", rules.lifetime_seconds, 30, 3600);
        self.range("codes.max_attempts", rules.max_attempts, 1, 10);
        self.range(
            "codes.repeat_after_seconds",
            rules.repeat_after_seconds,
            10,
            600,
        );
        self.range("codes.max_per_hour", rules.max_per_hour, 1, 60);
        if !is_line(&rules.message_for_cashier, limits::MAX_MESSAGE_CHARS) {
            self.add(
                "codes.message_for_cashier",
                format!(
                    "от 1 до {} символов в одну строку",
                    limits::MAX_MESSAGE_CHARS
                ),
            );
        }
    }

    fn receipt(&mut self, programme: &Programme) {
        let rules = &programme.receipt;
        let texts = [
            ("receipt.template", &rules.template),
            ("receipt.anonymous_template", &rules.anonymous_template),
        ];
        for (path, template) in texts {
            if let Err(error) = text::check(template) {
                self.add(path, error.to_string());
            } else if template
                .lines()
                .any(|line| line.chars().any(char::is_control))
            {
                self.add(
                    path,
                    "управляющие символы, кроме перевода строки, не допускаются",
                );
            }
        }
        if text::has_placeholders(&rules.anonymous_template) {
            self.add(
                "receipt.anonymous_template",
                "без подстановок: покупатель неизвестен",
            );
        }
    }
}

fn is_tier_id(id: &str) -> bool {
    (1..=limits::MAX_ID_CHARS).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// A text of one line that is not blank.
fn is_line(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control)
}
