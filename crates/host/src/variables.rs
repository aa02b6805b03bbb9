//! Application variables, component variables and the templates between them.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use crate::bindings::fermyon::spin::variables as v2;
use crate::bindings::spin::variables::variables::{Error, Host, HostWithStore};
use crate::instance::InstanceState;
use crate::manifest::{Manifest, is_variable_name};
use crate::runtime_config::VariablesProvider;
use wasmtime::component::{Accessor, HasSelf};

/// The application's variables, resolved once: no provider of this host changes while it runs.
#[derive(Debug)]
pub(crate) struct Variables {
    values: BTreeMap<String, Option<String>>,
}

impl Variables {
    /// Resolves each declared variable: the command line, then the providers in order, then the
    /// default. A required variable without a value stays unset; reading it is an error.
    pub(crate) fn resolve(
        manifest: &Manifest,
        command_line: &BTreeMap<String, String>,
        providers: &[VariablesProvider],
    ) -> Result<Self> {
        for name in command_line.keys() {
            ensure!(
                manifest.variables.contains_key(name),
                "--variable {name}: the manifest declares no such variable"
            );
        }
        let mut values = BTreeMap::new();
        for (name, declaration) in &manifest.variables {
            let mut value = command_line.get(name).cloned();
            for provider in providers {
                if value.is_none() {
                    value = provider.get(name)?;
                }
            }
            values.insert(name.clone(), value.or_else(|| declaration.default.clone()));
        }
        Ok(Self { values })
    }

    /// Names of required variables that nothing gave a value.
    pub(crate) fn missing(&self) -> impl Iterator<Item = &str> {
        self.values
            .iter()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name.as_str())
    }

    /// Fills the `{{ name }}` places of `template`.
    pub(crate) fn fill(&self, template: &str) -> Result<String> {
        let mut filled = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").context("a {{ is not closed")?;
            let name = name.trim();
            ensure!(is_variable_name(name), "{name:?} is no variable name");
            filled.push_str(before);
            match self.values.get(name) {
                None => bail!("the manifest declares no variable {name:?}"),
                Some(None) => bail!("the required variable {name:?} has no value"),
                Some(Some(value)) => filled.push_str(value),
            }
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// The variables of one component; one that cannot be filled keeps its error for the reader.
    pub(crate) fn of_component(
        &self,
        templates: &BTreeMap<String, String>,
    ) -> HashMap<String, Result<String, String>> {
        let fill = |text: &str| self.fill(text).map_err(|error| format!("{error:#}"));
        templates
            .iter()
            .map(|(name, text)| (name.clone(), fill(text)))
            .collect()
    }
}

impl VariablesProvider {
    fn get(&self, name: &str) -> Result<Option<String>> {
        match self {
            Self::Static(values) => Ok(values.get(name).cloned()),
            Self::Environment { prefix, dotenv } => {
                let key = format!("{prefix}{}", name.to_ascii_uppercase());
                match std::env::var(&key) {
                    Ok(value) => Ok(Some(value)),
                    Err(std::env::VarError::NotPresent) => from_dotenv(dotenv.as_deref(), &key),
                    Err(error) => bail!("environment variable {key}: {error}"),
                }
            }
        }
    }
}

/// Looks `key` up in a file of `NAME=value` lines; a file that is not there holds nothing.
fn from_dotenv(file: Option<&Path>, key: &str) -> Result<Option<String>> {
    let Some(file) = file.filter(|file| file.is_file()) else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    for line in text.lines() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        if let Some((name, value)) = line.split_once('=')
            && name.trim() == key
        {
            let value = value.trim();
            let quoted = value
                .strip_prefix('"')
                .and_then(|value| value.strip_suffix('"'));
            return Ok(Some(quoted.unwrap_or(value).to_owned()));
        }
    }
    Ok(None)
}

impl Host for InstanceState {}

impl<T: Send> HostWithStore<T> for HasSelf<InstanceState> {
    async fn get(
        accessor: &Accessor<T, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, Error>> {
        let value = accessor.with(|mut access| value(access.get(), &name));
        Ok(value.map_err(|missing| match missing {
            Missing::Name => Error::InvalidName(name),
            Missing::Value(reason) => Error::Undefined(reason),
        }))
    }
}

impl v2::Host for InstanceState {
    fn get(&mut self, name: String) -> wasmtime::Result<Result<String, v2::Error>> {
        Ok(value(self, &name).map_err(|missing| match missing {
            Missing::Name => v2::Error::InvalidName(name),
            Missing::Value(reason) => v2::Error::Undefined(reason),
        }))
    }
}

/// Why there is no value.
enum Missing {
    /// It is no name.
    Name,
    /// Nothing has this name, or the reason why it has no value.
    Value(String),
}

fn value(state: &InstanceState, name: &str) -> Result<String, Missing> {
    if !is_variable_name(name) {
        return Err(Missing::Name);
    }
    match state.component.variables.get(name) {
        None => Err(Missing::Value(name.to_owned())),
        Some(Ok(value)) => Ok(value.clone()),
        Some(Err(reason)) => Err(Missing::Value(reason.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, Option<&str>)]) -> Variables {
        let pair = |(name, value): &(&str, Option<&str>)| {
            ((*name).to_owned(), value.map(ToOwned::to_owned))
        };
        Variables {
            values: pairs.iter().map(pair).collect(),
        }
    }

    #[test]
    fn templates_are_filled() {
        let variables = variables(&[("host", Some("h.ru")), ("port", Some("8"))]);
        assert_eq!(
            variables.fill("https://{{ host }}:{{port}}/").unwrap(),
            "https://h.ru:8/"
        );
        assert_eq!(variables.fill("plain").unwrap(), "plain");
    }

    #[test]
    fn a_template_that_cannot_be_filled_says_why() {
        let variables = variables(&[("token", None)]);
        assert!(
            variables
                .fill("{{ token }}")
                .unwrap_err()
                .to_string()
                .contains("no value")
        );
        assert!(
            variables
                .fill("{{ other }}")
                .unwrap_err()
                .to_string()
                .contains("declares no")
        );
        assert!(variables.fill("{{ token").is_err());
        assert_eq!(variables.missing().collect::<Vec<_>>(), ["token"]);
    }
}
