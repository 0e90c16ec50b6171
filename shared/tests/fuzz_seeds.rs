//! Every kept input of the fuzz targets, through the targets themselves.

use std::{fs, path::Path};

#[path = "../../fuzz/src/lib.rs"]
mod fuzz;

fn each_seed(target: &str, run: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target);
    let mut seeds: Vec<_> =
        fs::read_dir(folder).expect("a folder of seeds").map(|entry| entry.expect("a seed").path()).collect();
    seeds.sort();
    assert!(seeds.len() >= 5, "{target} has {} seeds", seeds.len());
    for seed in seeds {
        println!("{}", seed.display());
        run(&fs::read(seed).expect("a seed"));
    }
}

#[test]
fn api_requests() {
    each_seed("api_requests", fuzz::api_requests);
}

#[test]
fn audit_logs() {
    each_seed("audit_logs", fuzz::audit_logs);
}

#[test]
fn every_form_of_export_and_of_list() {
    for folder in ["made", "reported"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/forms").join(folder);
        for form in fs::read_dir(folder).expect("a folder of forms") {
            let bytes = fs::read(form.expect("a form").path()).expect("a form");
            fuzz::audit_logs(&bytes);
            fuzz::ids_file(&bytes);
        }
    }
}

#[test]
fn graph_answers() {
    each_seed("graph_answers", fuzz::graph_answers);
}

#[test]
fn ids_file() {
    each_seed("ids_file", fuzz::ids_file);
}

#[test]
fn queue_messages() {
    each_seed("queue_messages", fuzz::queue_messages);
}

#[test]
fn retry_after() {
    each_seed("retry_after", fuzz::retry_after);
}
