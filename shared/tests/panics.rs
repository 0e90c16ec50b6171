//! Invariant 9 where the program itself is wrong. By itself, since a hook holds for the whole process.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_panic_says_where_and_not_what_about() {
    let lines = Lines::default();
    let into = lines.clone();
    tracing_subscriber::fmt().json().with_writer(move || into.clone()).init();
    shared::panics::say_only_where();
    let number = "+1 2065550100";
    let panicked = std::panic::catch_unwind(|| panic!("cannot parse {number}"));
    assert!(panicked.is_err());
    let said = String::from_utf8(lines.0.lock().expect("no panic").clone()).expect("text");
    assert!(said.contains("panicked") && said.contains("panics.rs:"), "{said}");
    assert!(!said.contains("2065550100") && said.lines().count() == 1, "{said}");
}
