//! Refusals in the vendor's shape (JSON API §1.5).

use serde_json::{Value, json};

/// One refusal: an HTTP status and the vendor's code and text.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) code: Option<u32>,
    pub(crate) text: String,
    pub(crate) parameter: Option<String>,
}

impl Problem {
    /// A refusal with the vendor's code.
    pub(crate) fn new(status: u16, code: u32, text: impl Into<String>) -> Self {
        Self {
            status,
            code: Some(code),
            text: text.into(),
            parameter: None,
        }
    }

    /// A refusal that has a status only.
    pub(crate) fn bare(status: u16, text: impl Into<String>) -> Self {
        Self {
            status,
            code: None,
            text: text.into(),
            parameter: None,
        }
    }

    /// Names the field or parameter that is meant.
    pub(crate) fn at(mut self, parameter: impl Into<String>) -> Self {
        self.parameter = Some(parameter.into());
        self
    }

    /// The body `{"errors":[…]}`.
    pub(crate) fn body(&self) -> Value {
        let mut error = json!({ "error": self.text });
        if let Some(error) = error.as_object_mut() {
            if let Some(code) = self.code {
                error.insert("code".into(), code.into());
                let info = format!("https://dev.moysklad.ru/doc/api/remap/1.2/#error_{code}");
                error.insert("moreInfo".into(), info.into());
            }
            if let Some(parameter) = &self.parameter {
                error.insert("parameter".into(), parameter.clone().into());
            }
        }
        json!({ "errors": [error] })
    }
}

/// The object of a path or a reference is not there.
pub(crate) fn not_found(kind: &str, id: &str) -> Problem {
    Problem::new(
        404,
        1021,
        format!("Объект с типом '{kind}' и идентификатором '{id}' не найден"),
    )
}

/// A required field is empty or missing.
pub(crate) fn required(field: &str) -> Problem {
    let text =
        format!("Ошибка сохранения объекта: поле '{field}' не может быть пустым или отсутствовать");
    Problem::new(412, 3000, text).at(field)
}

/// A field has a value of another type.
pub(crate) fn wrong_type(field: &str, wanted: &str) -> Problem {
    let text = format!("Ошибка формата: значение поля '{field}' не соответствует типу {wanted}");
    Problem::new(400, 2016, text).at(field)
}

/// A filter, an order or a page that cannot be understood.
pub(crate) fn bad_query(code: u32, text: impl Into<String>) -> Problem {
    Problem::new(412, code, text)
}
