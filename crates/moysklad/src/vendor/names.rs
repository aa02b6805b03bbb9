//! The name of a new cabinet in addresses, made of the organisation's name. Pure.

/// The longest name that is made, in characters: there is room for a number behind it.
const MAX_CHARS: usize = 40;
/// What organisations are, which says nothing of who they are.
const FORMS: [&str; 8] = ["ооо", "оао", "зао", "пао", "ао", "ип", "нко", "ано"];
/// Names that below a base domain mean something else.
const RESERVED: [&str; 8] = [
    "www", "api", "app", "admin", "cabinet", "mail", "static", "moysklad",
];
/// The name where nothing is left of the organisation's.
const NOTHING: &str = "shop";

/// A candidate for the name: the organisation's, and with a number behind it where `attempt`, from 0, is
/// not the first.
#[must_use]
pub fn candidate(organisation: &str, attempt: usize) -> String {
    let lower = organisation.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric());
    let words: Vec<&str> = words.filter(|w| !w.is_empty()).collect();
    let own: Vec<&str> = words
        .iter()
        .filter(|w| !FORMS.contains(w))
        .copied()
        .collect();
    let latin: Vec<String> = match own.as_slice() {
        [] => words.iter().map(|w| latin(w)).collect(),
        own => own.iter().map(|w| latin(w)).collect(),
    };
    let latin: Vec<String> = latin.into_iter().filter(|w| !w.is_empty()).collect();
    let joined: String = latin.join("-").chars().take(MAX_CHARS).collect();
    let name = match joined.trim_matches('-') {
        "" => NOTHING,
        name => name,
    };
    let number = attempt.saturating_add(usize::from(RESERVED.contains(&name)));
    match number {
        0 => name.to_owned(),
        _ => format!("{name}-{}", number.saturating_add(1)),
    }
}

/// A word in lower case in Latin letters; others than Cyrillic and Latin ones fall out.
fn latin(word: &str) -> String {
    word.chars().map(letter).collect::<Vec<_>>().concat()
}

fn letter(c: char) -> String {
    let latin = match c {
        'а' => "a",
        'б' => "b",
        'в' => "v",
        'г' | 'ґ' => "g",
        'д' => "d",
        'е' | 'ё' | 'э' | 'є' => "e",
        'ж' => "zh",
        'з' => "z",
        'и' | 'і' => "i",
        'ї' => "yi",
        'й' | 'ы' => "y",
        'к' => "k",
        'л' => "l",
        'м' => "m",
        'н' => "n",
        'о' => "o",
        'п' => "p",
        'р' => "r",
        'с' => "s",
        'т' => "t",
        'у' => "u",
        'ф' => "f",
        'х' => "kh",
        'ц' => "ts",
        'ч' => "ch",
        'ш' => "sh",
        'щ' => "shch",
        'ю' => "yu",
        'я' => "ya",
        c if c.is_ascii_alphanumeric() => return c.to_string(),
        _ => "",
    };
    latin.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sklad_tenant::Slug;

    #[test]
    fn a_name_can_be_recognised() {
        for (organisation, wanted) in [
            ("ООО «Ромашка»", "romashka"),
            ("ИП Щукин Ю. А.", "shchukin-yu-a"),
            ("Кофейня на Мойке", "kofeynya-na-moyke"),
            ("Coffee & Co №1", "coffee-co-1"),
            ("ООО", "ooo"),
            ("日本", "shop"),
            ("***", "shop"),
            ("API", "api-2"),
        ] {
            assert_eq!(candidate(organisation, 0), wanted);
        }
        assert_eq!(candidate("ООО «Ромашка»", 1), "romashka-2");
    }

    proptest! {
        #[test]
        fn every_organisation_gets_names_that_are_names(text in ".{0,200}", attempt in 0_usize..1000) {
            let name = candidate(&text, attempt);
            prop_assert!(name.parse::<Slug>().is_ok(), "{}", name);
            prop_assert_ne!(name, candidate(&text, attempt + 1));
        }
    }
}
