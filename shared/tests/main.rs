//! All tests of the common crate that read files, in one binary.

mod audit_exports;
mod fuzz_seeds;
