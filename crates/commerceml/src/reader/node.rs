//! What an element is, by its name and the element around it: the grammar of the files as one table.

use crate::model::SectionKind;

/// An element as the reader sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    /// Nothing that is read; nor is anything in it.
    Skip,
    /// Has children that are read.
    Frame(Frame),
    /// Has a text that is read.
    Leaf(Leaf),
}

/// Elements with children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    // Structure: these are open for long and stand in a checkpoint.
    Root,
    Container,
    Section(SectionKind),
    Groups,
    Group,
    Categories,
    Properties,
    PriceTypes,
    Stores,
    Units,
    Goods,
    Offers,
    // Objects and their parts.
    Category,
    CategoryProperties,
    Property,
    Variants,
    Variant,
    PriceType,
    PriceTypeTax,
    Store,
    Unit,
    Good,
    Offer,
    ProductGroups,
    ProductProperties,
    ProductProperty,
    TaxRates,
    TaxRate,
    Characteristics,
    Characteristic,
    Requisites,
    Requisite,
    Prices,
    Price,
    Stocks,
    Rest,
    Stock,
    Document,
    Partners,
    Partner,
    Address,
    AddressField,
    Contacts,
    Contact,
    Levies,
    Levy,
    Discounts,
    Discount,
    Items,
    Item,
}

/// Elements with a text. Their names say whose field it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaf {
    SectionId,
    SectionName,
    SectionClassifier,
    SectionCatalogue,
    SectionChanges,
    GroupId,
    GroupName,
    GroupDescription,
    GroupParent,
    GroupDeleted,
    GroupStatus,
    CategoryId,
    CategoryName,
    CategoryProperty,
    CategoryDeleted,
    PropertyId,
    PropertyName,
    PropertyKind,
    PropertyForGoods,
    PropertyForOffers,
    PropertyMultiple,
    PropertyExternal,
    PropertyDeleted,
    VariantId,
    VariantValue,
    PlainVariant,
    PriceTypeId,
    PriceTypeName,
    PriceTypeCurrency,
    PriceTypeIncluded,
    PriceTypeDeleted,
    StoreId,
    StoreName,
    StoreAddress,
    StoreDeleted,
    UnitId,
    UnitCode,
    UnitName,
    UnitShort,
    UnitInternational,
    UnitDeleted,
    Id,
    Variation,
    Version,
    Deleted,
    Status,
    Barcode,
    Article,
    Code,
    Name,
    FullName,
    BaseUnit,
    BaseUnitCode,
    ProductGroup,
    ProductCategory,
    Description,
    Html,
    Picture,
    Country,
    Brand,
    Manufacturer,
    ManufacturerName,
    Weight,
    Width,
    Length,
    Height,
    ProductPropertyId,
    ProductPropertyName,
    ProductPropertyValue,
    TaxName,
    TaxRate,
    CharacteristicId,
    CharacteristicName,
    CharacteristicValue,
    RequisiteName,
    RequisiteValue,
    PriceKind,
    PriceValue,
    PriceCurrency,
    PriceUnit,
    PriceFactor,
    PriceMinimum,
    Quantity,
    StoreQuantity,
    StockStore,
    StockQuantity,
    DocumentId,
    DocumentNumber,
    DocumentNumber1C,
    DocumentDate,
    DocumentTime,
    DocumentDate1C,
    DocumentVersion,
    DocumentDeleted,
    DocumentOperation,
    DocumentRole,
    DocumentCurrency,
    DocumentRate,
    DocumentSum,
    DocumentComment,
    PartnerId,
    PartnerName,
    PartnerFullName,
    PartnerOfficialName,
    PartnerLastName,
    PartnerFirstName,
    PartnerMiddleName,
    PartnerRole,
    PartnerInn,
    PartnerKpp,
    AddressText,
    ContactKind,
    ContactValue,
    ContactText,
    LevyName,
    LevyIncluded,
    LevySum,
    LevyRate,
    DiscountName,
    DiscountSum,
    DiscountPercent,
    DiscountIncluded,
    ItemId,
    ItemCatalogue,
    ItemName,
    ItemArticle,
    ItemPrice,
    ItemQuantity,
    ItemSum,
    ItemUnit,
    ItemFactor,
}

impl Node {
    /// Whether it may stay open across a checkpoint: it keeps nothing that is not in one.
    pub(super) fn structural(self) -> bool {
        match self {
            Self::Skip => true,
            Self::Leaf(_) => false,
            Self::Frame(frame) => matches!(
                frame,
                Frame::Root
                    | Frame::Container
                    | Frame::Section(_)
                    | Frame::Groups
                    | Frame::Group
                    | Frame::Categories
                    | Frame::Properties
                    | Frame::PriceTypes
                    | Frame::Stores
                    | Frame::Units
                    | Frame::Goods
                    | Frame::Offers
            ),
        }
    }
}

/// What the element `name` (without prefix) is within `parent`.
pub(super) fn child(parent: Node, name: &str) -> Node {
    match parent {
        Node::Skip => Node::Skip,
        Node::Leaf(leaf) => within_leaf(leaf, name),
        Node::Frame(frame) => within(frame, name),
    }
}

/// Texts that some files write as elements with children.
fn within_leaf(leaf: Leaf, name: &str) -> Node {
    match (leaf, name) {
        (Leaf::PropertyKind, "Тип" | "ТипЗначений") => Node::Leaf(Leaf::PropertyKind),
        (Leaf::PropertyKind, "ВариантыЗначений") => Node::Frame(Frame::Variants),
        (Leaf::StoreAddress, "Представление") => Node::Leaf(Leaf::StoreAddress),
        (Leaf::StoreQuantity, "Ид" | "ИдСклада") => Node::Leaf(Leaf::StockStore),
        (Leaf::StoreQuantity, "Количество") => Node::Leaf(Leaf::StockQuantity),
        (Leaf::Manufacturer, "Наименование") => Node::Leaf(Leaf::ManufacturerName),
        _ => Node::Skip,
    }
}

fn within(frame: Frame, name: &str) -> Node {
    match frame {
        Frame::Root | Frame::Container => root(name),
        Frame::Section(_) => section(name),
        Frame::Good | Frame::Offer => product(name),
        Frame::Document | Frame::Item => document(frame, name),
        Frame::Partner | Frame::Address => partner(frame, name),
        Frame::Group => group(name),
        Frame::Category | Frame::Property | Frame::Variant => property(frame, name),
        Frame::PriceType | Frame::Store | Frame::Unit => dictionary(frame, name),
        _ => list(frame, name).unwrap_or_else(|| part(frame, name)),
    }
}

fn root(name: &str) -> Node {
    Node::Frame(match name {
        "Классификатор" => Frame::Section(SectionKind::Classifier),
        "Каталог" => Frame::Section(SectionKind::Catalogue),
        "ПакетПредложений" => Frame::Section(SectionKind::Package),
        "ИзмененияПакетаПредложений" => {
            Frame::Section(SectionKind::PackageChanges)
        }
        "Документ" => Frame::Document,
        "Контейнер" => Frame::Container,
        _ => return Node::Skip,
    })
}

fn section(name: &str) -> Node {
    let frame = match name {
        "Товары" => Frame::Goods,
        "Предложения" => Frame::Offers,
        "Группы" => Frame::Groups,
        "Категории" => Frame::Categories,
        "Свойства" => Frame::Properties,
        "ТипыЦен" => Frame::PriceTypes,
        "Склады" => Frame::Stores,
        "ЕдиницыИзмерения" => Frame::Units,
        _ => return section_field(name),
    };
    Node::Frame(frame)
}

fn section_field(name: &str) -> Node {
    Node::Leaf(match name {
        "Ид" => Leaf::SectionId,
        "Наименование" => Leaf::SectionName,
        "ИдКлассификатора" => Leaf::SectionClassifier,
        "ИдКаталога" => Leaf::SectionCatalogue,
        "СодержитТолькоИзменения" => Leaf::SectionChanges,
        _ => return Node::Skip,
    })
}

/// Lists, of which only one kind of child is read.
fn list(frame: Frame, name: &str) -> Option<Node> {
    let child = match (frame, name) {
        (Frame::Groups, "Группа") => Frame::Group,
        (Frame::Categories, "Категория") => Frame::Category,
        (Frame::Properties, "Свойство" | "СвойствоНоменклатуры") => {
            Frame::Property
        }
        (Frame::Variants, "Справочник" | "ВариантЗначения") => {
            Frame::Variant
        }
        (Frame::PriceTypes, "ТипЦены") => Frame::PriceType,
        (Frame::Stores, "Склад") => Frame::Store,
        (Frame::Units, "ЕдиницаИзмерения") => Frame::Unit,
        (Frame::Goods, "Товар") => Frame::Good,
        (Frame::Offers, "Предложение") => Frame::Offer,
        (Frame::ProductProperties, "ЗначенияСвойства") => Frame::ProductProperty,
        (Frame::TaxRates, "СтавкаНалога") => Frame::TaxRate,
        (Frame::Characteristics, "ХарактеристикаТовара") => {
            Frame::Characteristic
        }
        (Frame::Requisites, "ЗначениеРеквизита") => Frame::Requisite,
        (Frame::Prices, "Цена") => Frame::Price,
        (Frame::Stocks, "Остаток") => Frame::Rest,
        (Frame::Stocks, "ОстатокПоСкладу") => Frame::Stock,
        (Frame::Stocks | Frame::Rest | Frame::Stock, "Склад") => Frame::Stock,
        (Frame::Partners, "Контрагент") => Frame::Partner,
        (Frame::Contacts, "Контакт") => Frame::Contact,
        (Frame::Levies, "Налог") => Frame::Levy,
        (Frame::Discounts, "Скидка") => Frame::Discount,
        (Frame::Items, "Товар") => Frame::Item,
        _ => return None,
    };
    Some(Node::Frame(child))
}

fn group(name: &str) -> Node {
    Node::Leaf(match name {
        "Ид" => Leaf::GroupId,
        "Наименование" => Leaf::GroupName,
        "Описание" => Leaf::GroupDescription,
        "Родитель" => Leaf::GroupParent,
        "ПометкаУдаления" => Leaf::GroupDeleted,
        "Статус" => Leaf::GroupStatus,
        "Группы" => return Node::Frame(Frame::Groups),
        _ => return Node::Skip,
    })
}

fn property(frame: Frame, name: &str) -> Node {
    Node::Leaf(match (frame, name) {
        (Frame::Category, "Ид") => Leaf::CategoryId,
        (Frame::Category, "Наименование") => Leaf::CategoryName,
        (Frame::Category, "ПометкаУдаления") => Leaf::CategoryDeleted,
        (Frame::Category, "Свойства") => return Node::Frame(Frame::CategoryProperties),
        (Frame::Variant, "ИдЗначения" | "Ид") => Leaf::VariantId,
        (Frame::Variant, "Значение") => Leaf::VariantValue,
        (Frame::Property, "Ид") => Leaf::PropertyId,
        (Frame::Property, "Наименование") => Leaf::PropertyName,
        // 2.04 has the type and the values one level down: ТипыЗначений/ТипЗначений/{Тип, …}.
        (Frame::Property, "ТипЗначений" | "ТипыЗначений") => {
            Leaf::PropertyKind
        }
        (Frame::Property, "ДляТоваров") => Leaf::PropertyForGoods,
        (Frame::Property, "ДляПредложений") => Leaf::PropertyForOffers,
        (Frame::Property, "Множественное") => Leaf::PropertyMultiple,
        (Frame::Property, "Внешний") => Leaf::PropertyExternal,
        (Frame::Property, "ПометкаУдаления") => Leaf::PropertyDeleted,
        (Frame::Property, "ВариантыЗначений") => {
            return Node::Frame(Frame::Variants);
        }
        _ => return Node::Skip,
    })
}

/// Entries of the classifier's small lists.
fn dictionary(frame: Frame, name: &str) -> Node {
    Node::Leaf(match (frame, name) {
        (Frame::PriceType, "Ид") => Leaf::PriceTypeId,
        (Frame::PriceType, "Наименование") => Leaf::PriceTypeName,
        (Frame::PriceType, "Валюта") => Leaf::PriceTypeCurrency,
        (Frame::PriceType, "ПометкаУдаления") => Leaf::PriceTypeDeleted,
        (Frame::PriceType, "Налог") => return Node::Frame(Frame::PriceTypeTax),
        (Frame::Store, "Ид") => Leaf::StoreId,
        (Frame::Store, "Наименование") => Leaf::StoreName,
        (Frame::Store, "Адрес") => Leaf::StoreAddress,
        (Frame::Store, "ПометкаУдаления") => Leaf::StoreDeleted,
        (Frame::Unit, "Ид") => Leaf::UnitId,
        (Frame::Unit, "Код") => Leaf::UnitCode,
        (Frame::Unit, "НаименованиеПолное") => Leaf::UnitName,
        (Frame::Unit, "НаименованиеКраткое") => Leaf::UnitShort,
        (Frame::Unit, "МеждународноеСокращение") => Leaf::UnitInternational,
        (Frame::Unit, "ПометкаУдаления") => Leaf::UnitDeleted,
        _ => return Node::Skip,
    })
}

fn product(name: &str) -> Node {
    let frame = match name {
        "Группы" => Frame::ProductGroups,
        "ЗначенияСвойств" => Frame::ProductProperties,
        "СтавкиНалогов" => Frame::TaxRates,
        "ХарактеристикиТовара" => Frame::Characteristics,
        "ЗначенияРеквизитов" => Frame::Requisites,
        "Цены" => Frame::Prices,
        "Остатки" | "ОстаткиПоСкладам" => Frame::Stocks,
        "Склад" | "Склады" => Frame::Stock,
        _ => return product_field(name),
    };
    Node::Frame(frame)
}

fn product_field(name: &str) -> Node {
    Node::Leaf(match name {
        "Ид" => Leaf::Id,
        "Наименование" => Leaf::Name,
        "Количество" => Leaf::Quantity,
        "Артикул" => Leaf::Article,
        "БазоваяЕдиница" => Leaf::BaseUnit,
        "Штрихкод" | "ШтрихКод" => Leaf::Barcode,
        "КоличествоНаСкладе" => Leaf::StoreQuantity,
        "Картинка" => Leaf::Picture,
        "Описание" => Leaf::Description,
        "ОписаниеВФорматеHTML" => Leaf::Html,
        "НомерВерсии" => Leaf::Version,
        "ПометкаУдаления" => Leaf::Deleted,
        "Статус" => Leaf::Status,
        "Код" => Leaf::Code,
        "ПолноеНаименование" => Leaf::FullName,
        "Категория" => Leaf::ProductCategory,
        "Страна" => Leaf::Country,
        "ТорговаяМарка" => Leaf::Brand,
        "Изготовитель" => Leaf::Manufacturer,
        "Вес" => Leaf::Weight,
        "Ширина" => Leaf::Width,
        "Длина" => Leaf::Length,
        "Высота" => Leaf::Height,
        "ИдХарактеристики" => Leaf::Variation,
        "КодЕдиницыИзмерения" => Leaf::BaseUnitCode,
        _ => return Node::Skip,
    })
}

/// Parts of goods, offers and documents.
fn part(frame: Frame, name: &str) -> Node {
    Node::Leaf(match (frame, name) {
        (Frame::CategoryProperties, "Ид") => Leaf::CategoryProperty,
        (Frame::Variants, "Значение") => Leaf::PlainVariant,
        (Frame::PriceTypeTax, "УчтеноВСумме") => Leaf::PriceTypeIncluded,
        (Frame::ProductGroups, "Ид") => Leaf::ProductGroup,
        (Frame::ProductProperty, "Ид") => Leaf::ProductPropertyId,
        (Frame::ProductProperty, "Наименование") => Leaf::ProductPropertyName,
        (Frame::ProductProperty, "Значение" | "ИдЗначения") => {
            Leaf::ProductPropertyValue
        }
        (Frame::TaxRate, "Наименование") => Leaf::TaxName,
        (Frame::TaxRate, "Ставка") => Leaf::TaxRate,
        (Frame::Characteristic, "Ид") => Leaf::CharacteristicId,
        (Frame::Characteristic, "Наименование") => Leaf::CharacteristicName,
        (Frame::Characteristic, "Значение") => Leaf::CharacteristicValue,
        (Frame::Requisite, "Наименование") => Leaf::RequisiteName,
        (Frame::Requisite, "Значение") => Leaf::RequisiteValue,
        (Frame::Rest | Frame::Stock, "Количество" | "КоличествоНаСкладе" | "Остаток") => {
            Leaf::StockQuantity
        }
        (Frame::Rest | Frame::Stock, "Ид" | "ИдСклада") => Leaf::StockStore,
        (Frame::Price, _) => return price(name),
        _ => return document_part(frame, name),
    })
}

fn price(name: &str) -> Node {
    Node::Leaf(match name {
        "ИдТипаЦены" => Leaf::PriceKind,
        "ЦенаЗаЕдиницу" => Leaf::PriceValue,
        "Валюта" => Leaf::PriceCurrency,
        "Единица" => Leaf::PriceUnit,
        "Коэффициент" => Leaf::PriceFactor,
        "МинКоличество" => Leaf::PriceMinimum,
        _ => return Node::Skip,
    })
}

fn document_part(frame: Frame, name: &str) -> Node {
    Node::Leaf(match (frame, name) {
        (Frame::AddressField | Frame::Contact, "Тип" | "ВидКонтакта") => {
            Leaf::ContactKind
        }
        (Frame::AddressField | Frame::Contact, "Значение") => Leaf::ContactValue,
        (Frame::AddressField | Frame::Contact, "Представление") => Leaf::ContactText,
        (Frame::Levy, "Наименование") => Leaf::LevyName,
        (Frame::Levy, "УчтеноВСумме") => Leaf::LevyIncluded,
        (Frame::Levy, "Сумма") => Leaf::LevySum,
        (Frame::Levy, "Ставка") => Leaf::LevyRate,
        (Frame::Discount, "Наименование") => Leaf::DiscountName,
        (Frame::Discount, "Сумма") => Leaf::DiscountSum,
        (Frame::Discount, "Процент") => Leaf::DiscountPercent,
        (Frame::Discount, "УчтеноВСумме") => Leaf::DiscountIncluded,
        _ => return Node::Skip,
    })
}

fn document(frame: Frame, name: &str) -> Node {
    let list = match (frame, name) {
        (_, "ЗначенияРеквизитов") => Frame::Requisites,
        (_, "Налоги") => Frame::Levies,
        (_, "Скидки") => Frame::Discounts,
        (Frame::Document, "Контрагенты") => Frame::Partners,
        (Frame::Document, "Товары") => Frame::Items,
        (Frame::Item, "СтавкиНалогов") => Frame::TaxRates,
        (Frame::Item, "ХарактеристикиТовара") => Frame::Characteristics,
        (Frame::Item, _) => return item_field(name),
        _ => return document_field(name),
    };
    Node::Frame(list)
}

fn document_field(name: &str) -> Node {
    Node::Leaf(match name {
        "Ид" => Leaf::DocumentId,
        "Номер" => Leaf::DocumentNumber,
        "Номер1С" | "Номер1C" => Leaf::DocumentNumber1C,
        "Дата" => Leaf::DocumentDate,
        "Время" => Leaf::DocumentTime,
        "Дата1С" | "Дата1C" => Leaf::DocumentDate1C,
        "НомерВерсии" => Leaf::DocumentVersion,
        "ПометкаУдаления" => Leaf::DocumentDeleted,
        "ХозОперация" => Leaf::DocumentOperation,
        "Роль" => Leaf::DocumentRole,
        "Валюта" => Leaf::DocumentCurrency,
        "Курс" => Leaf::DocumentRate,
        "Сумма" => Leaf::DocumentSum,
        "Комментарий" => Leaf::DocumentComment,
        _ => return Node::Skip,
    })
}

fn item_field(name: &str) -> Node {
    Node::Leaf(match name {
        "Ид" => Leaf::ItemId,
        "ИдКаталога" => Leaf::ItemCatalogue,
        "Наименование" => Leaf::ItemName,
        "Артикул" => Leaf::ItemArticle,
        "БазоваяЕдиница" => Leaf::BaseUnit,
        "ЦенаЗаЕдиницу" => Leaf::ItemPrice,
        "Количество" => Leaf::ItemQuantity,
        "Сумма" => Leaf::ItemSum,
        "Единица" => Leaf::ItemUnit,
        "Коэффициент" => Leaf::ItemFactor,
        _ => return Node::Skip,
    })
}

fn partner(frame: Frame, name: &str) -> Node {
    match (frame, name) {
        (Frame::Address, "АдресноеПоле") => Node::Frame(Frame::AddressField),
        (Frame::Address, "Представление") => Node::Leaf(Leaf::AddressText),
        (Frame::Address, _) => Node::Skip,
        (_, "АдресРегистрации" | "Адрес") => Node::Frame(Frame::Address),
        (_, "Контакты") => Node::Frame(Frame::Contacts),
        _ => partner_field(name),
    }
}

fn partner_field(name: &str) -> Node {
    Node::Leaf(match name {
        "Ид" => Leaf::PartnerId,
        "Наименование" => Leaf::PartnerName,
        "ПолноеНаименование" => Leaf::PartnerFullName,
        "ОфициальноеНаименование" => Leaf::PartnerOfficialName,
        "Фамилия" => Leaf::PartnerLastName,
        "Имя" => Leaf::PartnerFirstName,
        "Отчество" => Leaf::PartnerMiddleName,
        "Роль" => Leaf::PartnerRole,
        "ИНН" => Leaf::PartnerInn,
        "КПП" => Leaf::PartnerKpp,
        _ => return Node::Skip,
    })
}
