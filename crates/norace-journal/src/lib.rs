//! A write-ahead journal: checksummed frames, zero-filled segments, group commit, recovery.
