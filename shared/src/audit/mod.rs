//! The audit log: records, what they mean, and the files they come in.
