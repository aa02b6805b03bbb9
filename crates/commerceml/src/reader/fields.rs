//! Where texts go: the fields of what is being built.

use rust_decimal::Decimal;

use super::machine::Machine;
use super::node::{Frame, Leaf, Node};
use crate::error::{ErrorKind, WarningCode};
use crate::limits::ID_CHARS;
use crate::model::*;
use crate::value::{self, PRICE_SCALE, QUANTITY_SCALE};

/// Decimals that weights, sizes, factors and rates keep.
const FINE_SCALE: u32 = 6;
/// Characters of a wrong value that a warning shows.
const SHOWN: usize = 40;

/// What is being built. Nothing of it nests, so one of each is enough.
#[derive(Debug, Default)]
pub(super) struct Parts {
    product: Box<Product>,
    property_value: ProductProperty,
    tax_rate: TaxRate,
    characteristic: Characteristic,
    requisite: Requisite,
    price: Price,
    stock: Stock,
    document: Box<Document>,
    partner: Partner,
    contact: Contact,
    levy: Levy,
    discount: Discount,
    item: DocumentItem,
    category: Category,
    pub(super) property: Property,
    variant: PropertyValue,
    price_type: PriceType,
    store: Store,
    unit: UnitEntry,
}

impl Parts {
    /// The id of the object that this element is.
    pub(super) fn id_of(&self, frame: Frame) -> Option<String> {
        match frame {
            Frame::Good | Frame::Offer => self.product.id.clone(),
            Frame::Document => self
                .document
                .id
                .clone()
                .or_else(|| self.document.number.clone()),
            Frame::Property => Some(self.property.id.clone()),
            Frame::Category => Some(self.category.id.clone()),
            Frame::PriceType => Some(self.price_type.id.clone()),
            Frame::Store => Some(self.store.id.clone()),
            Frame::Unit => self.unit.id.clone(),
            _ => None,
        }
    }
}

/// Trimmed; empty if blank.
fn trimmed(text: &str) -> Option<String> {
    Some(text.trim().to_owned())
}

/// Trimmed; `None` if blank.
fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Notes what one of several marks of deletion says: a single "yes" is enough.
fn mark(deleted: &mut Option<bool>, says: Option<bool>) {
    if let Some(says) = says {
        *deleted = Some(says || *deleted == Some(true));
    }
}

/// Whether a `Статус` is that of a deleted object; a blank one says nothing.
fn status_deleted(status: &str) -> Option<bool> {
    let status = status.trim();
    (!status.is_empty()).then(|| matches!(status.to_lowercase().as_str(), "удален" | "удалён"))
}

impl Machine {
    /// Begins an object or a part of one. A list that is there is `Some`, even if it stays empty.
    pub(super) fn open_part(&mut self, frame: Frame) {
        let nested = matches!(self.around(), Some(Frame::Rest | Frame::Stock));
        let parts = &mut self.parts;
        let product = &mut parts.product;
        match frame {
            Frame::Good | Frame::Offer => **product = Product::default(),
            Frame::Document => *parts.document = Document::default(),
            Frame::ProductGroups => drop(product.groups.get_or_insert_default()),
            Frame::ProductProperties => drop(product.properties.get_or_insert_default()),
            Frame::Prices => drop(product.prices.get_or_insert_default()),
            Frame::Stocks => drop(product.stocks.get_or_insert_default()),
            Frame::Rest | Frame::Stock => {
                product.stocks.get_or_insert_default();
                if !nested {
                    parts.stock = Stock::default();
                }
            }
            Frame::Variants => drop(parts.property.values.get_or_insert_default()),
            Frame::Items => drop(parts.document.items.get_or_insert_default()),
            Frame::TaxRates | Frame::Characteristics => self.open_list(frame),
            _ => {}
        }
    }

    /// Lists that goods and items of documents have both: only a good tells whether it has one.
    fn open_list(&mut self, frame: Frame) {
        if !matches!(self.owner(), Some(Frame::Good | Frame::Offer)) {
            return;
        }
        match frame {
            Frame::TaxRates => drop(self.parts.product.taxes.get_or_insert_default()),
            _ => drop(self.parts.product.characteristics.get_or_insert_default()),
        }
    }

    /// Ends an object or a part of one: it goes to what it belongs to.
    pub(super) fn close_part(&mut self, frame: Frame) {
        match frame {
            Frame::Good | Frame::Offer => self.close_product(frame),
            Frame::Price => {
                let price = std::mem::take(&mut self.parts.price);
                self.parts
                    .product
                    .prices
                    .get_or_insert_default()
                    .push(price);
            }
            Frame::Rest | Frame::Stock => self.close_stock(),
            Frame::ProductProperty => {
                let value = std::mem::take(&mut self.parts.property_value);
                self.parts
                    .product
                    .properties
                    .get_or_insert_default()
                    .push(value);
            }
            Frame::Characteristic
            | Frame::Requisite
            | Frame::TaxRate
            | Frame::Levy
            | Frame::Discount => {
                self.close_shared(frame);
            }
            Frame::Category | Frame::Property | Frame::PriceType | Frame::Store | Frame::Unit => {
                self.close_dictionary(frame);
            }
            Frame::Variant => {
                let variant = std::mem::take(&mut self.parts.variant);
                self.variant(variant);
            }
            _ => self.close_document(frame),
        }
    }

    fn close_product(&mut self, frame: Frame) {
        let mut product = std::mem::take(&mut self.parts.product);
        if product.id.is_none() && product.barcodes.is_none() && product.article.is_none() {
            let text = if frame == Frame::Good {
                "товар без Ид, артикула и штрихкода пропущен"
            } else {
                "предложение без Ид, артикула и штрихкода пропущено"
            };
            return self.notes.doubt(WarningCode::NoId, text.to_owned());
        }
        let variant = product.id.as_deref().and_then(|id| id.split_once('#'));
        if let Some((_, variant)) = variant.filter(|(_, variant)| !variant.is_empty()) {
            product.variant = Some(variant.to_owned());
        }
        self.out.push_back(match frame {
            Frame::Good => Item::Good(product),
            _ => Item::Offer(product),
        });
    }

    /// A rest that says neither where nor how much was only a shell around others. One that says where alone
    /// may stand in one that says how much.
    fn close_stock(&mut self) {
        let within = matches!(self.top(), Some(Node::Frame(Frame::Rest | Frame::Stock)));
        if within && self.parts.stock.quantity.is_none() {
            return;
        }
        let stock = std::mem::take(&mut self.parts.stock);
        if stock != Stock::default() {
            self.parts
                .product
                .stocks
                .get_or_insert_default()
                .push(stock);
        }
    }

    /// Parts that goods, documents and items of documents have.
    fn close_shared(&mut self, frame: Frame) {
        let owner = self.owner();
        let parts = &mut self.parts;
        let (product, document, item) = (&mut parts.product, &mut parts.document, &mut parts.item);
        match frame {
            Frame::Requisite => {
                let requisite = std::mem::take(&mut parts.requisite);
                match owner {
                    Some(Frame::Document) => document.requisites.push(requisite),
                    Some(Frame::Item) => item.requisites.push(requisite),
                    _ => product.requisites.push(requisite),
                }
            }
            Frame::Characteristic => {
                let characteristic = std::mem::take(&mut parts.characteristic);
                match owner {
                    Some(Frame::Item) => item.characteristics.push(characteristic),
                    _ => product
                        .characteristics
                        .get_or_insert_default()
                        .push(characteristic),
                }
            }
            Frame::TaxRate => {
                let rate = std::mem::take(&mut parts.tax_rate);
                match owner {
                    Some(Frame::Item) => item.tax_rates.push(rate),
                    _ => product.taxes.get_or_insert_default().push(rate),
                }
            }
            Frame::Levy => {
                let levy = std::mem::take(&mut parts.levy);
                match owner {
                    Some(Frame::Item) => item.taxes.push(levy),
                    _ => document.taxes.push(levy),
                }
            }
            _ => {
                let discount = std::mem::take(&mut parts.discount);
                match owner {
                    Some(Frame::Item) => item.discounts.push(discount),
                    _ => document.discounts.push(discount),
                }
            }
        }
    }

    fn close_document(&mut self, frame: Frame) {
        let parts = &mut self.parts;
        match frame {
            Frame::Document => {
                let document = std::mem::take(&mut parts.document);
                self.out.push_back(Item::Document(document));
            }
            Frame::Partner => {
                let partner = std::mem::take(&mut parts.partner);
                parts.document.partners.push(partner);
            }
            Frame::Contact => {
                let contact = std::mem::take(&mut parts.contact);
                parts.partner.contacts.push(contact);
            }
            Frame::AddressField => {
                let field = std::mem::take(&mut parts.contact);
                parts.partner.address_fields.push(field);
            }
            Frame::Item => {
                let item = std::mem::take(&mut parts.item);
                parts.document.items.get_or_insert_default().push(item);
            }
            _ => {}
        }
    }

    /// Entries of the classifier; without an id they are of no use.
    fn close_dictionary(&mut self, frame: Frame) {
        let parts = &mut self.parts;
        let (item, has_id) = match frame {
            Frame::Category => {
                let category = std::mem::take(&mut parts.category);
                let has_id = !category.id.is_empty();
                (Item::Category(category), has_id)
            }
            Frame::Property => {
                let property = std::mem::take(&mut parts.property);
                let has_id = !property.id.is_empty();
                (Item::Property(property), has_id)
            }
            Frame::PriceType => {
                let price_type = std::mem::take(&mut parts.price_type);
                let has_id = !price_type.id.is_empty();
                (Item::PriceType(price_type), has_id)
            }
            Frame::Store => {
                let store = std::mem::take(&mut parts.store);
                let has_id = !store.id.is_empty();
                (Item::Store(store), has_id)
            }
            _ => {
                let unit = std::mem::take(&mut parts.unit);
                let has_id = unit.id.is_some() || unit.code.is_some();
                (Item::Unit(unit), has_id)
            }
        };
        if has_id {
            self.out.push_back(item);
        } else {
            self.notes.doubt(
                WarningCode::NoId,
                "запись классификатора без Ид пропущена".to_owned(),
            );
        }
    }

    fn variant(&mut self, variant: PropertyValue) {
        self.parts
            .property
            .values
            .get_or_insert_default()
            .push(variant);
        self.portion();
    }

    /// An attribute that is read.
    pub(super) fn attribute(&mut self, node: Node, name: &str, value: &str) {
        match (node, name) {
            (Node::Frame(Frame::Root), "ВерсияСхемы") => {
                self.root.version = filled(value)
            }
            (Node::Frame(Frame::Root), "ДатаФормирования") => {
                self.root.generated = filled(value)
            }
            (Node::Frame(Frame::Root), "Ид") => self.root.id = trimmed(value),
            (Node::Frame(Frame::Root), "СодержитТолькоИзменения") => {
                self.root.changes_only = self.notes.boolean(value);
            }
            (Node::Frame(Frame::Section(_)), "СодержитТолькоИзменения") => {
                self.section_changes(value)
            }
            (Node::Frame(Frame::Good | Frame::Offer), "Статус") => self.product_status(value),
            (Node::Frame(Frame::Group), "Статус") => self.group_status(value),
            (Node::Frame(Frame::Stock) | Node::Leaf(Leaf::StoreQuantity), "ИдСклада") => {
                self.parts.stock.store = self.notes.id(value);
            }
            (Node::Frame(Frame::Stock), "КоличествоНаСкладе") => {
                self.parts.stock.quantity =
                    self.notes
                        .number("Количество на складе", value, QUANTITY_SCALE);
            }
            (Node::Leaf(Leaf::BaseUnit), _) => self.unit_attribute(name, value),
            _ => {}
        }
    }

    fn unit_attribute(&mut self, name: &str, value: &str) {
        let unit = self.base_unit();
        match name {
            "Код" => unit.code = filled(value),
            "НаименованиеПолное" => unit.name = filled(value),
            "МеждународноеСокращение" => unit.international = filled(value),
            _ => {}
        }
    }

    /// The unit of the good or item.
    fn base_unit(&mut self) -> &mut Unit {
        let unit = match self.owner() {
            Some(Frame::Item) => &mut self.parts.item.unit,
            _ => &mut self.parts.product.unit,
        };
        unit.get_or_insert_default()
    }

    fn section_changes(&mut self, text: &str) {
        let says = self.notes.boolean(text);
        if let Some(section) = self.section.as_mut() {
            section.changes_only = says.or(section.changes_only);
        }
    }

    fn product_status(&mut self, text: &str) {
        mark(&mut self.parts.product.deleted, status_deleted(text));
        self.parts.product.status = filled(text);
    }

    fn group_status(&mut self, text: &str) {
        if let Some(group) = self.group() {
            mark(&mut group.deleted, status_deleted(text));
        }
    }

    /// A text that is read.
    pub(super) fn field(&mut self, leaf: Leaf, text: &str) -> Result<(), ErrorKind> {
        if self.product_field(leaf, text)
            || self.part_field(leaf, text)
            || self.document_field(leaf, text)
        {
            return Ok(());
        }
        if self.dictionary_field(leaf, text) || self.property_field(leaf, text) {
            return Ok(());
        }
        self.structure_field(leaf, text)
    }

    fn product_field(&mut self, leaf: Leaf, text: &str) -> bool {
        let product = &mut self.parts.product;
        match leaf {
            Leaf::Id => product.id = self.notes.id(text),
            Leaf::Variation => product.variant = self.notes.id(text),
            Leaf::Version => product.version = filled(text),
            Leaf::Status => self.product_status(text),
            Leaf::Deleted => {
                let says = self.notes.boolean(text);
                mark(&mut self.parts.product.deleted, says);
            }
            Leaf::Barcode => product
                .barcodes
                .get_or_insert_default()
                .extend(filled(text)),
            Leaf::Article => product.article = trimmed(text),
            Leaf::Code => product.code = trimmed(text),
            Leaf::Name => product.name = filled(text),
            Leaf::FullName => product.full_name = trimmed(text),
            Leaf::ProductCategory => product.category = trimmed(text),
            Leaf::Description => product.description = Some(text.to_owned()),
            Leaf::Html => {
                product.description.get_or_insert_with(|| text.to_owned());
            }
            Leaf::Picture => product
                .pictures
                .get_or_insert_default()
                .extend(filled(text)),
            Leaf::Country => product.country = trimmed(text),
            Leaf::Brand => product.brand = trimmed(text),
            Leaf::ManufacturerName => product.manufacturer = trimmed(text),
            Leaf::Manufacturer => {
                let name = product.manufacturer.take().or_else(|| trimmed(text));
                product.manufacturer = name;
            }
            _ => return self.measure_field(leaf, text),
        }
        true
    }

    /// Numbers and units of a good.
    fn measure_field(&mut self, leaf: Leaf, text: &str) -> bool {
        match leaf {
            Leaf::Quantity => {
                self.parts.product.quantity = self.notes.number("Количество", text, QUANTITY_SCALE)
            }
            Leaf::Weight => self.parts.product.weight = self.notes.number("Вес", text, FINE_SCALE),
            Leaf::Width => self.parts.product.width = self.notes.number("Ширина", text, FINE_SCALE),
            Leaf::Length => {
                self.parts.product.length = self.notes.number("Длина", text, FINE_SCALE)
            }
            Leaf::Height => {
                self.parts.product.height = self.notes.number("Высота", text, FINE_SCALE)
            }
            Leaf::BaseUnit => self.base_unit().text = filled(text),
            Leaf::BaseUnitCode => self.base_unit().code = filled(text),
            Leaf::StoreQuantity => {
                if let Some(quantity) =
                    self.notes
                        .number("Количество на складе", text, QUANTITY_SCALE)
                {
                    self.parts.stock.quantity = Some(quantity);
                }
                self.close_stock();
            }
            _ => return false,
        }
        true
    }

    /// Parts of goods, some of documents too.
    fn part_field(&mut self, leaf: Leaf, text: &str) -> bool {
        let parts = &mut self.parts;
        match leaf {
            Leaf::ProductGroup => {
                let id = self.notes.id(text);
                self.parts.product.groups.get_or_insert_default().extend(id);
            }
            Leaf::ProductPropertyId => parts.property_value.id = self.notes.id(text),
            Leaf::ProductPropertyName => parts.property_value.name = filled(text),
            Leaf::ProductPropertyValue => parts.property_value.values.extend(filled(text)),
            Leaf::TaxName => parts.tax_rate.name = filled(text),
            Leaf::TaxRate => parts.tax_rate.rate = filled(text),
            Leaf::CharacteristicId => parts.characteristic.id = self.notes.id(text),
            Leaf::CharacteristicName => parts.characteristic.name = filled(text),
            Leaf::CharacteristicValue => parts.characteristic.value = trimmed(text),
            Leaf::RequisiteName => parts.requisite.name = filled(text),
            Leaf::RequisiteValue => parts.requisite.values.extend(trimmed(text)),
            Leaf::PriceKind => parts.price.price_type = self.notes.id(text),
            Leaf::PriceValue => {
                parts.price.value = self.notes.number("ЦенаЗаЕдиницу", text, PRICE_SCALE)
            }
            Leaf::PriceCurrency => parts.price.currency = value::currency(text),
            Leaf::PriceUnit => parts.price.unit = filled(text),
            Leaf::PriceFactor => {
                parts.price.factor = self.notes.number("Коэффициент", text, FINE_SCALE)
            }
            Leaf::PriceMinimum => {
                parts.price.min_quantity = self.notes.number("МинКоличество", text, QUANTITY_SCALE)
            }
            Leaf::StockStore => parts.stock.store = self.notes.id(text),
            Leaf::StockQuantity => {
                parts.stock.quantity =
                    self.notes
                        .number("Количество на складе", text, QUANTITY_SCALE)
            }
            _ => return false,
        }
        true
    }

    fn document_field(&mut self, leaf: Leaf, text: &str) -> bool {
        let document = &mut self.parts.document;
        match leaf {
            Leaf::DocumentId => document.id = self.notes.id(text),
            Leaf::DocumentNumber => document.number = filled(text),
            Leaf::DocumentNumber1C => document.number_1c = filled(text),
            Leaf::DocumentDate => self.document_date(text),
            Leaf::DocumentTime => self.document_time(text),
            Leaf::DocumentDate1C => document.date_1c = filled(text),
            Leaf::DocumentVersion => document.version = filled(text),
            Leaf::DocumentDeleted => {
                let says = self.notes.boolean(text);
                mark(&mut self.parts.document.deleted, says);
            }
            Leaf::DocumentOperation => document.operation = filled(text),
            Leaf::DocumentRole => document.role = filled(text),
            Leaf::DocumentCurrency => document.currency = value::currency(text),
            Leaf::DocumentRate => document.rate = self.notes.number("Курс", text, FINE_SCALE),
            Leaf::DocumentSum => document.sum = self.notes.number("Сумма", text, PRICE_SCALE),
            Leaf::DocumentComment => document.comment = trimmed(text),
            _ => return self.partner_field(leaf, text) || self.item_field(leaf, text),
        }
        true
    }

    fn document_date(&mut self, text: &str) {
        let moment = value::moment(text);
        if let Some(moment) = moment {
            let document = &mut self.parts.document;
            document.date = Some(moment.local.date());
            if moment.timed && document.time.is_none() {
                document.time = Some(moment.local.time());
            }
        } else {
            self.notes.doubt_date(text);
        }
    }

    fn document_time(&mut self, text: &str) {
        match value::time(text) {
            Some(time) => self.parts.document.time = Some(time),
            None => self.notes.doubt_date(text),
        }
    }

    fn partner_field(&mut self, leaf: Leaf, text: &str) -> bool {
        let partner = &mut self.parts.partner;
        match leaf {
            Leaf::PartnerId => partner.id = self.notes.id(text),
            Leaf::PartnerName => partner.name = filled(text),
            Leaf::PartnerFullName => partner.full_name = filled(text),
            Leaf::PartnerOfficialName => {
                let name = partner.full_name.take().or_else(|| filled(text));
                partner.full_name = name;
            }
            Leaf::PartnerLastName => partner.last_name = filled(text),
            Leaf::PartnerFirstName => partner.first_name = filled(text),
            Leaf::PartnerMiddleName => partner.middle_name = filled(text),
            Leaf::PartnerRole => partner.role = filled(text),
            Leaf::PartnerInn => partner.inn = filled(text),
            Leaf::PartnerKpp => partner.kpp = filled(text),
            Leaf::AddressText => partner.address = filled(text),
            Leaf::ContactKind => self.parts.contact.kind = filled(text),
            Leaf::ContactValue => self.parts.contact.value = filled(text),
            Leaf::ContactText => {
                self.parts
                    .contact
                    .value
                    .get_or_insert_with(|| text.trim().to_owned());
            }
            _ => return false,
        }
        true
    }

    fn item_field(&mut self, leaf: Leaf, text: &str) -> bool {
        let (item, levy, discount) = (
            &mut self.parts.item,
            &mut self.parts.levy,
            &mut self.parts.discount,
        );
        match leaf {
            Leaf::ItemId => item.id = self.notes.id(text),
            Leaf::ItemCatalogue => item.catalogue = self.notes.id(text),
            Leaf::ItemName => item.name = filled(text),
            Leaf::ItemArticle => item.article = filled(text),
            Leaf::ItemPrice => item.price = self.notes.number("ЦенаЗаЕдиницу", text, PRICE_SCALE),
            Leaf::ItemQuantity => {
                item.quantity = self.notes.number("Количество", text, QUANTITY_SCALE)
            }
            Leaf::ItemSum => item.sum = self.notes.number("Сумма", text, PRICE_SCALE),
            Leaf::ItemUnit => item.sale_unit = filled(text),
            Leaf::ItemFactor => item.factor = self.notes.number("Коэффициент", text, FINE_SCALE),
            Leaf::LevyName => levy.name = filled(text),
            Leaf::LevyIncluded => levy.included = self.notes.boolean(text),
            Leaf::LevySum => levy.sum = self.notes.number("Сумма налога", text, PRICE_SCALE),
            Leaf::LevyRate => levy.rate = filled(text),
            Leaf::DiscountName => discount.name = filled(text),
            Leaf::DiscountSum => {
                discount.sum = self.notes.number("Сумма скидки", text, PRICE_SCALE)
            }
            Leaf::DiscountPercent => {
                discount.percent = self.notes.number("Процент скидки", text, PRICE_SCALE)
            }
            Leaf::DiscountIncluded => discount.included = self.notes.boolean(text),
            _ => return false,
        }
        true
    }

    /// Price types, stores, units, categories.
    fn dictionary_field(&mut self, leaf: Leaf, text: &str) -> bool {
        let parts = &mut self.parts;
        match leaf {
            Leaf::PriceTypeId => parts.price_type.id = self.notes.id(text).unwrap_or_default(),
            Leaf::PriceTypeName => parts.price_type.name = filled(text),
            Leaf::PriceTypeCurrency => parts.price_type.currency = value::currency(text),
            Leaf::PriceTypeIncluded => {
                let says = self.notes.boolean(text);
                let included = &mut self.parts.price_type.tax_included;
                *included = included.or(says);
            }
            Leaf::PriceTypeDeleted => parts.price_type.deleted = self.notes.boolean(text),
            Leaf::StoreId => parts.store.id = self.notes.id(text).unwrap_or_default(),
            Leaf::StoreName => parts.store.name = filled(text),
            Leaf::StoreAddress => parts.store.address = filled(text).or(parts.store.address.take()),
            Leaf::StoreDeleted => parts.store.deleted = self.notes.boolean(text),
            Leaf::UnitId => parts.unit.id = self.notes.id(text),
            Leaf::UnitCode => parts.unit.code = filled(text),
            Leaf::UnitName => parts.unit.name = filled(text),
            Leaf::UnitShort => parts.unit.short = filled(text),
            Leaf::UnitInternational => parts.unit.international = filled(text),
            Leaf::UnitDeleted => parts.unit.deleted = self.notes.boolean(text),
            Leaf::CategoryId => parts.category.id = self.notes.id(text).unwrap_or_default(),
            Leaf::CategoryName => parts.category.name = filled(text),
            Leaf::CategoryProperty => {
                let id = self.notes.id(text);
                self.parts.category.properties.extend(id);
            }
            Leaf::CategoryDeleted => parts.category.deleted = self.notes.boolean(text),
            _ => return false,
        }
        true
    }

    fn property_field(&mut self, leaf: Leaf, text: &str) -> bool {
        let property = &mut self.parts.property;
        match leaf {
            Leaf::PropertyId => property.id = self.notes.id(text).unwrap_or_default(),
            Leaf::PropertyName => property.name = filled(text),
            Leaf::PropertyKind => property.kind = filled(text).or(property.kind.take()),
            Leaf::PropertyForGoods => property.for_goods = self.notes.boolean(text),
            Leaf::PropertyForOffers => property.for_offers = self.notes.boolean(text),
            Leaf::PropertyMultiple => property.multiple = self.notes.boolean(text),
            Leaf::PropertyExternal => property.external = self.notes.boolean(text),
            Leaf::PropertyDeleted => property.deleted = self.notes.boolean(text),
            Leaf::VariantId => self.parts.variant.id = self.notes.id(text),
            Leaf::VariantValue => self.parts.variant.value = text.trim().to_owned(),
            Leaf::PlainVariant => {
                let value = text.trim().to_owned();
                self.variant(PropertyValue { id: None, value });
            }
            _ => return false,
        }
        true
    }

    /// Sections and groups.
    fn structure_field(&mut self, leaf: Leaf, text: &str) -> Result<(), ErrorKind> {
        match leaf {
            Leaf::SectionId | Leaf::SectionClassifier | Leaf::SectionCatalogue => {
                let id = self.notes.id(text);
                let Some(section) = self.section.as_mut() else {
                    return Ok(());
                };
                match leaf {
                    Leaf::SectionId => section.id = id,
                    Leaf::SectionClassifier => section.classifier = id,
                    _ => section.catalogue = id,
                }
            }
            Leaf::SectionName => {
                if let Some(section) = self.section.as_mut() {
                    section.name = filled(text);
                }
            }
            Leaf::SectionChanges => self.section_changes(text),
            _ => return self.group_field(leaf, text),
        }
        Ok(())
    }

    fn group_field(&mut self, leaf: Leaf, text: &str) -> Result<(), ErrorKind> {
        self.weigh_group(text.trim().len())?;
        let id = match leaf {
            Leaf::GroupId | Leaf::GroupParent => self.notes.id(text),
            _ => None,
        };
        let says = if leaf == Leaf::GroupDeleted {
            self.notes.boolean(text)
        } else {
            None
        };
        let Some(group) = self.group() else {
            return Ok(());
        };
        match (leaf, id) {
            (Leaf::GroupId, Some(id)) => self.group_id(id),
            (Leaf::GroupParent, Some(id)) => group.parent = Some(id),
            (Leaf::GroupName, _) => group.name = filled(text),
            (Leaf::GroupDescription, _) => group.description = trimmed(text),
            (Leaf::GroupDeleted, _) => mark(&mut group.deleted, says),
            (Leaf::GroupStatus, _) => self.group_status(text),
            _ => {}
        }
        Ok(())
    }
}

/// Doubts about the values of the present event.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// Where the event begins.
    pub(super) at: u64,
    /// Doubts that are not told yet.
    pub(super) doubts: Vec<Doubt>,
    /// How many of them are about what lies before the present object: a reader that goes on from a
    /// checkpoint will not find them again.
    pub(super) settled: usize,
    /// How many may wait.
    pub(super) limit: usize,
    /// How many were too many.
    pub(super) dropped: u64,
}

/// A warning on its way out.
#[derive(Debug)]
pub(super) struct Doubt {
    /// The byte of the window it is about.
    pub(super) at: u64,
    /// Line and column, once they are known.
    pub(super) place: Option<(u64, u64)>,
    /// Whether [`Doubt::object`] was filled in.
    pub(super) named: bool,
    pub(super) object: Option<String>,
    pub(super) code: WarningCode,
    pub(super) text: String,
}

impl Notes {
    /// Everything so far lies before where a checkpoint would point.
    pub(super) fn settle(&mut self) {
        self.settled = self.doubts.len();
    }

    /// Notes that the encoding was guessed: a doubt about the file as a whole.
    pub(super) fn guessed(&mut self) {
        let text = "файл назван UTF-8, но записан в windows-1251; прочитан как windows-1251";
        self.doubts.push(Doubt {
            at: 0,
            place: Some((1, 1)),
            named: true,
            object: None,
            code: WarningCode::Encoding,
            text: text.to_owned(),
        });
        self.settle();
    }

    /// Forgets the doubts about the present object.
    pub(super) fn forget(&mut self) {
        self.doubts.truncate(self.settled);
    }

    /// Notes a doubt; which object it is about is filled in when the event is over.
    pub(super) fn doubt(&mut self, code: WarningCode, text: String) {
        if self.doubts.len() >= self.limit {
            self.dropped += 1;
            return;
        }
        let at = self.at;
        self.doubts.push(Doubt {
            at,
            place: None,
            named: false,
            object: None,
            code,
            text,
        });
    }

    /// An id; blank ones are `None`, so are longer ones than ids are.
    fn id(&mut self, text: &str) -> Option<String> {
        let id = text.trim();
        if !value::fits_id(id) {
            self.doubt(
                WarningCode::LongId,
                format!("Ид длиннее {ID_CHARS} символов: «{}…»", shown(id)),
            );
            return None;
        }
        filled(id)
    }

    /// The number in an element; `None` with a warning if it is none.
    fn number(&mut self, what: &str, text: &str, scale: u32) -> Option<Decimal> {
        value::number(text, scale).unwrap_or_else(|error| {
            let code = match error {
                value::NumberError::NotANumber => WarningCode::Number,
                value::NumberError::Range => WarningCode::Range,
            };
            self.doubt(code, format!("{what}: {error}: «{}»", shown(text)));
            None
        })
    }

    /// A boolean; `None` with a warning if it is none.
    fn boolean(&mut self, text: &str) -> Option<bool> {
        value::boolean(text).unwrap_or_else(|error| {
            self.doubt(WarningCode::Boolean, format!("{error}: «{}»", shown(text)));
            None
        })
    }

    fn doubt_date(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.doubt(
                WarningCode::Date,
                format!("не дата и не время: «{}»", shown(text)),
            );
        }
    }
}

/// The beginning of a value.
fn shown(text: &str) -> String {
    text.trim().chars().take(SHOWN).collect()
}
