//! The shop that is measured: its programme, customers and goods. Everything follows from numbers,
//! so that the requests know it without asking the database.

use serde_json::{Value, json};
use sklad_catalog::{CategoryInput, GoodInput};

/// The tenant.
pub const TENANT: &str = "bench";
/// How many customers it has.
pub const CUSTOMERS: u64 = 100_000;
/// How many goods.
pub const GOODS: u64 = 20_000;
/// In how many categories.
pub const CATEGORIES: u64 = 500;
/// The point of sale.
pub const STORE: &str = "5e000000-0000-4000-8000-000000000001";
/// Categories of the first and of the second level; the others lie below the second.
const LEVELS: (u64, u64) = (20, 100);

const STEMS: [&str; 40] = [
    "Абрам",
    "Агаф",
    "Балаш",
    "Барсук",
    "Белов",
    "Бобр",
    "Вавил",
    "Васил",
    "Вишн",
    "Ворон",
    "Гаврил",
    "Голуб",
    "Гордей",
    "Давыд",
    "Дорох",
    "Евсе",
    "Ермак",
    "Жаворонк",
    "Завьял",
    "Захар",
    "Игнат",
    "Ильюш",
    "Казанц",
    "Карпух",
    "Кирил",
    "Колесник",
    "Лаврент",
    "Лебед",
    "Макар",
    "Мартын",
    "Назар",
    "Овчинник",
    "Панкрат",
    "Родион",
    "Савель",
    "Тарас",
    "Ульян",
    "Филат",
    "Харитон",
    "Шестак",
];
const ENDINGS: [&str; 25] = [
    "ов",
    "ев",
    "ин",
    "енко",
    "ский",
    "цев",
    "ушкин",
    "арёв",
    "онов",
    "инов",
    "ашов",
    "енков",
    "ичев",
    "учкин",
    "ольский",
    "утин",
    "анов",
    "ёнок",
    "овец",
    "юк",
    "ишин",
    "ецкий",
    "ухин",
    "ыкин",
    "авин",
];
const FIRST: [&str; 20] = [
    "Пётр",
    "Иван",
    "Сергей",
    "Анна",
    "Мария",
    "Ольга",
    "Дмитрий",
    "Алексей",
    "Елена",
    "Наталья",
    "Николай",
    "Татьяна",
    "Виктор",
    "Галина",
    "Юрий",
    "Лидия",
    "Михаил",
    "Софья",
    "Глеб",
    "Вера",
];
const MIDDLE: [&str; 5] = ["Петрович", "Ивановна", "Сергеевич", "Юрьевна", "Андреевич"];

fn pick<'a>(from: &[&'a str], n: u64) -> &'a str {
    let at = usize::try_from(n).unwrap_or_default() % from.len();
    from.get(at).copied().unwrap_or_default()
}

/// Spreads numbers over the whole range, always the same way.
pub fn mix(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// Numbers that look random and are the same in every run.
pub struct Random(pub u64);

impl Random {
    /// One below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0) % limit
    }
}

/// The document of settings: what a shop with tiers, categories and discounts has.
pub fn settings() -> Value {
    let few = |step: usize, percent: u64| -> Value {
        let ids = (LEVELS.0..CATEGORIES).step_by(step);
        ids.map(|n| (category_id(n), json!(percent)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    json!({ "name": "Лавка", "programme": {
        "earning": { "percent": 5, "categories": few(25, 10), "tiers": { "gold": 7 },
            "expire_after_days": 365, "welcome": { "points": 500 } },
        "spending": { "point_kopecks": 100, "max_share": 30 },
        "discounts": { "tiers": { "silver": 2, "gold": 5 }, "categories": few(20, 10) },
        "tiers": { "levels": [
            { "id": "silver", "name": "Серебряный", "from_kopecks": 300_000 },
            { "id": "gold", "name": "Золотой", "from_kopecks": 1_000_000 } ] },
    } })
}

/// An id such as МойСклад gives: two of them differ in their first digits.
fn uuid(kind: u64, n: u64) -> String {
    let (high, low) = (
        mix(n.wrapping_mul(256) | kind),
        mix(kind.wrapping_shl(40) | n),
    );
    format!(
        "{:08x}-{:04x}-11e6-8a84-{:012x}",
        high >> 32,
        high & 0xffff,
        low & 0xffff_ffff_ffff
    )
}

/// A customer.
pub struct Customer {
    /// МойСклад's id.
    pub id: String,
    /// Eleven digits.
    pub phone: String,
    /// Card number.
    pub card: String,
    /// Family name.
    pub last: String,
    /// Given name.
    pub first: &'static str,
    middle: &'static str,
}

/// The customer with this number.
pub fn customer(n: u64) -> Customer {
    let seed = mix(n.wrapping_add(1));
    Customer {
        id: uuid(0xc0, n),
        // A permutation of the numbers: every phone is another one and none follows its neighbour.
        phone: format!(
            "79{:09}",
            n.wrapping_mul(7_368_787) % 1_000_000_007 % 1_000_000_000
        ),
        card: format!("2{:09}", n.wrapping_mul(104_729)),
        last: format!("{}{}", pick(&STEMS, seed), pick(&ENDINGS, seed / 40)),
        first: pick(&FIRST, seed / 1000),
        middle: pick(&MIDDLE, seed / 20_000),
    }
}

impl Customer {
    /// The full name.
    pub fn name(&self) -> String {
        format!("{} {} {}", self.last, self.first, self.middle)
    }

    /// The `agent` of a call.
    pub fn agent(&self) -> Value {
        let base = "https://api.moysklad.ru/api/remap/1.2/entity/counterparty";
        json!({ "meta": { "href": format!("{base}/{}", self.id), "id": self.id, "idType": "native",
                          "type": "counterparty", "mediaType": "application/json" },
                "name": self.name(), "phone": format!("+{}", self.phone), "discountCardNumber": self.card })
    }
}

fn category_id(n: u64) -> String {
    uuid(0xca, n)
}

/// All categories, in three levels.
pub fn categories() -> Vec<CategoryInput> {
    let category = |n: u64| CategoryInput {
        id: category_id(n),
        parent: match n {
            n if n < LEVELS.0 => None,
            n if n < LEVELS.1 => Some(category_id(n % LEVELS.0)),
            n => Some(category_id(LEVELS.0 + n % (LEVELS.1 - LEVELS.0))),
        },
        name: format!("Категория {n}"),
    };
    (0..CATEGORIES).map(category).collect()
}

/// МойСклад's id of a good.
pub fn good_id(n: u64) -> String {
    uuid(0x60, n)
}

/// Its price, kopecks.
pub fn price(n: u64) -> u64 {
    (50 + mix(n) % 950) * 100 + 90
}

/// The good with this number.
pub fn good(n: u64) -> GoodInput {
    GoodInput {
        ms_id: Some(good_id(n)),
        sync_id: Some(uuid(0x61, n)),
        name: format!("Товар {n} {}", pick(&STEMS, mix(n))),
        article: Some(format!("A-{n}")),
        code: Some(format!("{n:06}")),
        barcodes: vec![format!("46{n:011}")],
        category: Some(category_id(LEVELS.1 + n % (CATEGORIES - LEVELS.1))),
        price_kopecks: i64::try_from(price(n)).ok(),
        min_price_kopecks: n
            .is_multiple_of(10)
            .then(|| i64::try_from(price(n) / 2).unwrap_or_default()),
        discount_prohibited: n.is_multiple_of(50),
        tobacco: n.is_multiple_of(100),
        ..GoodInput::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_customers_share_a_phone_or_a_card() {
        let all = || (0..CUSTOMERS).map(customer);
        let phones: BTreeSet<_> = all().map(|c| c.phone).collect();
        let cards: BTreeSet<_> = all().map(|c| c.card).collect();
        let wanted = usize::try_from(CUSTOMERS).unwrap();
        assert_eq!((phones.len(), cards.len()), (wanted, wanted));
        assert!(phones.iter().all(|phone| phone.len() == 11));
    }

    #[test]
    fn the_settings_are_valid() {
        let json = settings().to_string();
        sklad_tenant::Settings::parse(json.as_bytes()).unwrap();
    }
}
