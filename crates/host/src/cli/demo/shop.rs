//! What is in the demo shop.

use serde_json::{Value, json};

/// МойСклад's id of the demo point of sale.
pub const STORE: &str = "7a3c1f00-0000-4000-8000-000000000001";
/// The phone of the customer whom the demo till serves.
pub const PHONE: &str = "+7 903 000-00-01";

/// The programme: tiers, a discount by tier, a category that earns more, a birthday.
pub fn programme() -> Value {
    json!({
        "earning": {
            "percent": 5,
            "categories": { "coffee": 10 },
            "tiers": { "gold": 7 },
            "expire_after_days": 365,
            "welcome": { "points": 100 },
            "birthday": { "points": 300 },
        },
        "spending": { "point_kopecks": 100, "max_share": 50 },
        "discounts": {
            "tiers": { "silver": 2, "gold": 5 },
            "categories": { "sweets": 10 },
        },
        "tiers": { "levels": [
            { "id": "silver", "name": "Серебряный", "from_kopecks": 1_000_000 },
            { "id": "gold", "name": "Золотой", "from_kopecks": 5_000_000 },
        ] },
    })
}

/// The categories.
pub fn categories() -> Value {
    let category = |id: &str, parent: Option<&str>, name: &str| json!({ "id": id, "parent": parent, "name": name });
    json!([
        category("food", None, "Продукты"),
        category("milk", Some("food"), "Молочное"),
        category("sweets", Some("food"), "Сладости"),
        category("drinks", Some("food"), "Напитки"),
        category("coffee", Some("drinks"), "Кофе"),
        category("tobacco", None, "Табак"),
    ])
}

/// A good of the demo shop.
pub struct DemoGood {
    /// The last digits of its ids.
    number: u32,
    /// Its name.
    pub name: &'static str,
    category: &'static str,
    /// Its price, kopecks.
    pub price_kopecks: i64,
}

const fn good(
    number: u32,
    name: &'static str,
    category: &'static str,
    price_kopecks: i64,
) -> DemoGood {
    DemoGood {
        number,
        name,
        category,
        price_kopecks,
    }
}

/// The goods.
pub const GOODS: &[DemoGood] = &[
    good(1, "Молоко 3,2 %, 1 л", "milk", 9_490),
    good(2, "Кефир 2,5 %, 0,9 л", "milk", 8_990),
    good(3, "Творог 9 %, 200 г", "milk", 11_990),
    good(4, "Сыр «Российский», кг", "milk", 89_900),
    good(5, "Хлеб бородинский", "food", 5_490),
    good(6, "Шоколад горький, 90 г", "sweets", 14_990),
    good(7, "Печенье овсяное, 400 г", "sweets", 12_990),
    good(8, "Вода минеральная, 1,5 л", "drinks", 6_990),
    good(9, "Сок яблочный, 1 л", "drinks", 13_990),
    good(10, "Кофе в зёрнах, 1 кг", "coffee", 149_900),
    good(11, "Кофе молотый, 250 г", "coffee", 44_900),
    good(12, "Сигареты", "tobacco", 23_900),
];

impl DemoGood {
    /// МойСклад's id.
    pub fn id(&self) -> String {
        format!("7a3c1f00-0000-4000-8000-0000000001{:02}", self.number)
    }

    fn json(&self) -> Value {
        json!({
            "ms_id": self.id(),
            "external": format!("demo-{}", self.number),
            "name": self.name,
            "code": format!("{:05}", self.number),
            "barcodes": [format!("46000000000{:02}", self.number)],
            "category": self.category,
            "price_kopecks": self.price_kopecks,
            "tobacco": self.category == "tobacco",
            "weighed": self.name.ends_with(", кг"),
        })
    }
}

/// The goods as the API takes them.
pub fn goods() -> Value {
    GOODS.iter().map(DemoGood::json).collect()
}

/// The customers and how many points each gets beside the welcome.
pub fn customers() -> Vec<(Value, i64)> {
    let customer = |name: &str, phone: &str, card: &str, birth_date: &str, sex: &str| json!({ "name": name, "phone": phone, "card": card, "birth_date": birth_date, "sex": sex });
    vec![
        (
            customer(
                "Иванов Пётр Сергеевич",
                PHONE,
                "2000000000015",
                "1985-03-14",
                "MALE",
            ),
            900,
        ),
        (
            customer(
                "Смирнова Анна Игоревна",
                "+7 903 000-00-02",
                "2000000000022",
                "1992-11-02",
                "FEMALE",
            ),
            250,
        ),
        (
            customer(
                "Кузнецов Олег",
                "+7 903 000-00-03",
                "2000000000039",
                "1978-07-30",
                "MALE",
            ),
            0,
        ),
        (
            customer(
                "Попова Мария",
                "+7 903 000-00-04",
                "2000000000046",
                "2000-01-09",
                "FEMALE",
            ),
            4_000,
        ),
        (
            customer(
                "Алёшина Ольга",
                "+7 903 000-00-05",
                "2000000000053",
                "1969-12-25",
                "FEMALE",
            ),
            40,
        ),
    ]
}

/// Two gift certificates.
pub const CERTIFICATES: &str = "number;amount\nDEMO-1000;1000\nDEMO-3000;3000\n";
