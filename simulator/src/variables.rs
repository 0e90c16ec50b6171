//! What a program has to be told to work with a tenant.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    options::Options,
    population::{Cast, Population},
};

/// Returns the settings that name a tenant, its application and its window, by their variables. Registrations
/// count until a day after the preview.
pub fn variables(options: &Options, population: &Population, cast: &Cast) -> BTreeMap<&'static str, String> {
    let until = population.window_end + Duration::from_hours(24);
    BTreeMap::from([
        ("AZURE_TENANT_ID", options.tenant_id.to_string()),
        ("AZURE_CLIENT_ID", options.client_id.to_string()),
        ("AZURE_CLIENT_SECRET", options.client_secret.clone()),
        ("PREVIEW_ENABLED_AT", population.window_start.to_string()),
        ("PREVIEW_DISABLED_AT", population.window_end.to_string()),
        ("REGISTERED_UNTIL", until.to_string()),
        ("EXCLUDED_GROUP_ID", cast.excluded_group.to_string()),
        // Its log has no late records, and nobody who tries it should wait.
        ("SECOND_LOOK_MINUTES", "0".to_owned()),
    ])
}
