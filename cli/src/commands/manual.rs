//! `schema`, `completions` and `man`: what the program says of itself, made from its own types and command line.

use std::io::{self, Write};

use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;
use schemars::{JsonSchema, generate::SchemaSettings};
use shared::{
    doctor::Check,
    drain::Explanation,
    verify::{Verification, evidence::Evidence},
    view::{Line, Status},
};

use super::{results::Results, scan::Found};
use crate::{
    args::{Args, Format, SchemaOf},
    error::{CommandError, Exit},
    output,
};

/// Writes the JSON Schema (draft 2020-12) of a command's output.
pub(super) fn schema(of: SchemaOf) -> Result<Exit, CommandError> {
    let mut schema = match of {
        SchemaOf::Scan => described::<Vec<Found>>(),
        SchemaOf::Run => described::<Results<'static>>(),
        SchemaOf::Explain => described::<Explanation>(),
        SchemaOf::Report => described::<Vec<Line>>(),
        SchemaOf::Status => described::<Status>(),
        SchemaOf::Doctor => described::<Vec<Check>>(),
        SchemaOf::Verify => described::<Verification>(),
        SchemaOf::Evidence => described::<Evidence>(),
    };
    let name = of.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let title = match of {
        SchemaOf::Evidence => "the file of mfa-rollback report --evidence".to_owned(),
        _ => format!("mfa-rollback {name} --format json"),
    };
    schema.insert("title".to_owned(), title.into());
    output::write_json(Format::Json, &schema)?;
    Ok(Exit::Done)
}

fn described<T: JsonSchema>() -> schemars::Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}

/// Writes what a shell reads to complete commands and options.
pub(super) fn completions(shell: Shell) -> Result<Exit, CommandError> {
    let mut command = Args::command();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "mfa-rollback", &mut script);
    written(&script)
}

/// Writes a page of the manual (roff): of the program, or of one of its commands.
pub(super) fn page(of: Option<&str>) -> Result<Exit, CommandError> {
    let mut command = Args::command();
    command.build();
    if let Some(name) = of {
        let found = command.find_subcommand(name).cloned();
        command = found.ok_or_else(|| {
            CommandError::usage(format!("man: there is no command {name:?}; `mfa-rollback help` lists them"))
        })?;
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    written(&page)
}

fn written(bytes: &[u8]) -> Result<Exit, CommandError> {
    io::stdout().lock().write_all(bytes)?;
    Ok(Exit::Done)
}
