//! Golden bytes of the format.
