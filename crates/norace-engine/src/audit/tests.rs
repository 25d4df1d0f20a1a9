//! The audit against journals that are sound, cut and tampered with.
