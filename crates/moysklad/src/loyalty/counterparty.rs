//! Who a call is about.

use sklad_loyalty::customers::{Identity, Person, name_key};
use sklad_tenant::clock;

use super::wire::{Counterparty, Meta, Raw, Reference, id, object, text};

/// The counterparty that МойСклад puts on receipts without a customer: it must not collect points
/// for everybody (moysklad-loyalty.md §9.14, unverified whether it is sent).
const ANONYMOUS: &str = " розничный покупатель ";

/// The longest text about a person that is kept, in characters; more is cut.
const FIELD_MAX: usize = 255;

impl Counterparty<'_> {
    fn meta(&self) -> Meta<'_> {
        object(self.meta).unwrap_or(Meta {
            href: self.href,
            id: self.id,
            id_type: None,
        })
    }

    /// By what this customer is recognised; nothing for an anonymous receipt.
    pub fn identity(&self) -> Identity {
        if text(self.name).is_some_and(|name| name_key(&name) == ANONYMOUS) {
            return Identity::default();
        }
        let meta = self.meta();
        let mut ids = meta.ids();
        ids.extend(id(self.sync_id));
        let card = text(self.discount_card_number);
        let phone = text(self.phone);
        Identity::new(
            ids.iter().map(String::as_str),
            card.as_deref(),
            phone.as_deref(),
        )
        .with_native(meta.native_id().as_deref())
    }

    /// What the call tells about the person.
    pub fn person(&self) -> Person {
        let sex = text(self.sex).map(|s| s.to_ascii_uppercase());
        let short = |raw| text(raw).map(|t| t.chars().take(FIELD_MAX).collect());
        Person {
            name: short(self.name),
            first_name: short(self.legal_first_name),
            middle_name: short(self.legal_middle_name),
            last_name: short(self.legal_last_name),
            phone: short(self.phone),
            card: short(self.discount_card_number),
            email: short(self.email),
            birth_date: text(self.birth_date)
                .and_then(|t| clock::parse(&t))
                .map(|at| at.date()),
            sex: sex.filter(|s| matches!(s.as_str(), "MALE" | "FEMALE")),
        }
    }
}

/// The customer in a raw value; an absent one is nobody.
pub fn counterparty<'a>(raw: Raw<'a>) -> Counterparty<'a> {
    object(raw).unwrap_or_default()
}

/// The point of sale's id; empty when the call names none.
pub fn store(raw: Raw<'_>) -> String {
    Reference::of(raw)
        .ids()
        .into_iter()
        .next()
        .unwrap_or_default()
}
