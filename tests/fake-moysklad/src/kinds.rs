//! The kinds of objects: what is required of them, what may be filtered, what hangs below them.

/// What an object is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Sold: product, service, bundle, variant.
    Good,
    /// Everything else that is no document.
    Dictionary,
    /// Has a number, a moment and usually positions.
    Document,
    /// A subscription.
    Hook,
}

/// One kind of objects.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) class: Class,
    /// Fields that must be sent on creation.
    pub(crate) required: &'static [&'static str],
    /// Fields in which `search=` looks.
    pub(crate) search: &'static [&'static str],
    /// Fields that may be filtered by `= != ~ ~= =~`.
    pub(crate) texts: &'static [&'static str],
    /// Fields that may be filtered by `= !=`.
    pub(crate) exact: &'static [&'static str],
    /// Fields that may be filtered by comparison too.
    pub(crate) ordered: &'static [&'static str],
    /// Whether a creation may be repeated by its `syncId`.
    pub(crate) sync_id: bool,
    /// Whether the API creates and changes them.
    pub(crate) writable: bool,
    /// The page of the merchant's interface, where it has one whose id differs.
    pub(crate) page: Option<&'static str>,
    /// Collections below an object: the field and the type of its rows.
    pub(crate) below: &'static [(&'static str, &'static str)],
}

const NAMED: &[&str] = &["name", "code", "externalCode", "description"];
const GOOD_TEXTS: &[&str] = &[
    "name",
    "code",
    "externalCode",
    "description",
    "article",
    "pathName",
    "barcode",
];
const COMMON: &[&str] = &["id", "archived", "group", "owner", "shared"];
const IMAGES: (&str, &str) = ("images", "image");
const DOCUMENT_EXACT: &[&str] = &[
    "id",
    "agent",
    "applicable",
    "contract",
    "group",
    "organization",
    "owner",
    "printed",
    "project",
    "published",
    "retailShift",
    "retailStore",
    "salesChannel",
    "shared",
    "state",
    "state.name",
    "store",
    "syncId",
    "isDeleted",
];

const PLAIN: Kind = Kind {
    name: "",
    class: Class::Dictionary,
    required: &["name"],
    search: &["name", "code"],
    texts: NAMED,
    exact: COMMON,
    ordered: &["updated"],
    sync_id: false,
    writable: true,
    page: None,
    below: &[],
};

const fn document(
    name: &'static str,
    required: &'static [&'static str],
    below: &'static [(&'static str, &'static str)],
) -> Kind {
    Kind {
        name,
        class: Class::Document,
        required,
        search: &["name", "description"],
        texts: NAMED,
        exact: DOCUMENT_EXACT,
        ordered: &[
            "updated",
            "created",
            "moment",
            "deliveryPlannedMoment",
            "sum",
        ],
        sync_id: true,
        writable: true,
        page: None,
        below,
    }
}

const PARTIES: &[&str] = &["organization", "agent"];

/// Every kind that is played.
pub(crate) const KINDS: &[Kind] = &[
    Kind {
        name: "productfolder",
        texts: &["name", "code", "externalCode", "description", "pathName"],
        ..PLAIN
    },
    Kind {
        name: "product",
        class: Class::Good,
        search: &["name", "code", "article"],
        texts: GOOD_TEXTS,
        exact: &[
            "id",
            "archived",
            "group",
            "owner",
            "shared",
            "supplier",
            "syncId",
            "isSerialTrackable",
        ],
        ordered: &["updated", "minimumBalance", "volume", "weight"],
        sync_id: true,
        page: Some("good"),
        below: &[IMAGES],
        ..PLAIN
    },
    Kind {
        name: "service",
        class: Class::Good,
        texts: &[
            "name",
            "code",
            "externalCode",
            "description",
            "pathName",
            "barcode",
        ],
        exact: &["id", "archived", "group", "owner", "shared", "syncId"],
        sync_id: true,
        page: Some("service"),
        ..PLAIN
    },
    Kind {
        name: "bundle",
        class: Class::Good,
        required: &["name", "components"],
        search: &["name", "code", "article"],
        texts: GOOD_TEXTS,
        exact: &["id", "archived", "group", "owner", "shared", "syncId"],
        ordered: &["updated", "volume", "weight"],
        sync_id: true,
        page: Some("bundle"),
        below: &[IMAGES, ("components", "bundlecomponent")],
        ..PLAIN
    },
    Kind {
        name: "variant",
        class: Class::Good,
        required: &["product", "characteristics"],
        search: &["name", "code", "article"],
        texts: &["name", "code", "externalCode", "article", "barcode"],
        exact: &["id", "archived", "productid"],
        page: Some("feature"),
        below: &[IMAGES],
        ..PLAIN
    },
    Kind {
        name: "counterparty",
        search: &[
            "name",
            "code",
            "legalTitle",
            "discountCardNumber",
            "email",
            "phone",
        ],
        texts: &[
            "name",
            "code",
            "externalCode",
            "description",
            "phone",
            "email",
            "inn",
            "kpp",
            "fax",
            "legalTitle",
            "discountCardNumber",
            "tags",
            "actualAddress",
        ],
        exact: &[
            "id",
            "archived",
            "companyType",
            "group",
            "owner",
            "shared",
            "state",
            "state.name",
            "syncId",
        ],
        ordered: &["updated", "created"],
        sync_id: true,
        below: &[
            ("accounts", "account"),
            ("contactpersons", "contactperson"),
            ("notes", "note"),
        ],
        ..PLAIN
    },
    Kind {
        name: "organization",
        texts: &[
            "name",
            "code",
            "externalCode",
            "description",
            "inn",
            "legalTitle",
        ],
        sync_id: true,
        below: &[("accounts", "account")],
        ..PLAIN
    },
    Kind {
        name: "store",
        texts: &["name", "code", "externalCode", "pathName", "address"],
        ..PLAIN
    },
    Kind {
        name: "retailstore",
        required: &["name", "organization", "store", "priceType"],
        ..PLAIN
    },
    Kind {
        name: "currency",
        texts: &["name", "code", "isoCode"],
        ..PLAIN
    },
    Kind {
        name: "uom",
        ..PLAIN
    },
    Kind {
        name: "country",
        ..PLAIN
    },
    Kind {
        name: "project",
        ..PLAIN
    },
    Kind {
        name: "saleschannel",
        required: &["name", "type"],
        ..PLAIN
    },
    Kind {
        name: "employee",
        required: &["lastName"],
        texts: &["name", "email", "uid"],
        ..PLAIN
    },
    Kind {
        name: "group",
        writable: false,
        ..PLAIN
    },
    // Kept like the others, served elsewhere than under entity/.
    Kind {
        name: "pricetype",
        writable: false,
        ..PLAIN
    },
    Kind {
        name: "characteristic",
        ..PLAIN
    },
    Kind {
        name: "attributemetadata",
        ..PLAIN
    },
    Kind {
        name: "state",
        ..PLAIN
    },
    document(
        "customerorder",
        PARTIES,
        &[("positions", "customerorderposition")],
    ),
    document(
        "demand",
        &["organization", "agent", "store"],
        &[("positions", "demandposition")],
    ),
    document(
        "salesreturn",
        &["organization", "agent", "store"],
        &[("positions", "salesreturnposition")],
    ),
    document(
        "move",
        &["organization", "sourceStore", "targetStore"],
        &[("positions", "moveposition")],
    ),
    document("paymentin", PARTIES, &[]),
    document("paymentout", &["organization", "agent", "expenseItem"], &[]),
    document("cashin", PARTIES, &[]),
    document("cashout", &["organization", "agent", "expenseItem"], &[]),
    Kind {
        writable: false,
        ..document(
            "prepayment",
            PARTIES,
            &[("positions", "prepaymentposition")],
        )
    },
    Kind {
        writable: false,
        ..document(
            "prepaymentreturn",
            PARTIES,
            &[("positions", "prepaymentreturnposition")],
        )
    },
    document("retailshift", &["organization", "retailStore"], &[]),
    document(
        "retaildemand",
        &["retailShift"],
        &[("positions", "demandposition")],
    ),
    document(
        "retailsalesreturn",
        &["retailShift", "demand"],
        &[("positions", "salesreturnposition")],
    ),
    Kind {
        name: "webhook",
        class: Class::Hook,
        required: &["entityType", "action", "url"],
        search: &[],
        texts: &["url"],
        exact: &["id"],
        ordered: &[],
        ..PLAIN
    },
    Kind {
        name: "webhookstock",
        class: Class::Hook,
        required: &["url", "stockType", "reportType"],
        search: &[],
        texts: &["url"],
        exact: &["id"],
        ordered: &[],
        ..PLAIN
    },
];

/// The kinds of `entity/assortment`, in the order of its rows.
pub(crate) const ASSORTMENT: &[&str] = &["product", "service", "bundle", "variant"];

/// Fields that a client cannot set: they are ignored when sent (JSON API §3, flag RO).
pub(crate) const READ_ONLY: &[&str] = &[
    "id",
    "meta",
    "accountId",
    "updated",
    "created",
    "deleted",
    "pathName",
    "variantsCount",
    "effectiveVat",
    "effectiveVatEnabled",
    "salesAmount",
    "bonusPoints",
    "payedSum",
    "shippedSum",
    "invoicedSum",
    "reservedSum",
    "printed",
    "published",
    "authorApplication",
    "method",
    "group",
    "owner",
    "shared",
];

/// The kind of that name, if it is served.
pub(crate) fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

impl Kind {
    /// Whether it is found under `entity/`.
    pub(crate) fn is_entity(&self) -> bool {
        !matches!(
            self.name,
            "pricetype" | "characteristic" | "attributemetadata" | "state"
        )
    }

    /// The type of the rows of the collection `field`.
    pub(crate) fn rows_of(&self, field: &str) -> Option<&'static str> {
        let found = self.below.iter().find(|(name, _)| *name == field);
        found.map(|(_, rows)| *rows)
    }
}
