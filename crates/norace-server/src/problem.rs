//! Refusals as RFC 9457 problem details.
//!
//! `code` is the stable word a program can act on, `detail` is for the person who reads the log. `type` is
//! `about:blank`: the status and the code say what a page could.

use std::borrow::Cow;

use hyper::StatusCode;
use norace_engine::{Rejection, Unavailable};

use crate::wire::Refusal;
use crate::wire::json::Object;

/// A refusal on its way to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    pub(crate) detail: Cow<'static, str>,
    pub(crate) member: Member,
}

/// The one member that some codes carry beside `code` and `detail`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Member {
    None,
    /// `field`: what in the request is at fault.
    Field(Cow<'static, str>),
    /// `state`: the state the object is in.
    State(&'static str),
    /// `current_version`: the version the object has.
    CurrentVersion(u64),
    /// `outcome: unknown`: the command may be in the journal.
    OutcomeUnknown,
    /// The header `Allow`: the methods the target takes. Not in the body.
    Allow(&'static str),
    /// `scope`: what the key would need.
    Scope(&'static str),
    /// `oldest`: the position after which events are still kept.
    Oldest(u64),
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $text:literal $status:ident,)*) => {
        /// The stable codes of the surface.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// All of them.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            pub(crate) const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }
        }
    };
}

codes! {
    /// No JSON, a key given twice, or no HTTP.
    Malformed "malformed" BAD_REQUEST,
    /// No key, or none that is known.
    Unauthorized "unauthorized" UNAUTHORIZED,
    /// The key's scope does not reach so far.
    Forbidden "forbidden" FORBIDDEN,
    /// No such object or target.
    NotFound "not-found" NOT_FOUND,
    /// The target exists and does not take this method.
    MethodNotAllowed "method-not-allowed" METHOD_NOT_ALLOWED,
    /// The request did not arrive in time.
    RequestTimeout "request-timeout" REQUEST_TIMEOUT,
    /// The id or key was used with other content.
    IdempotencyConflict "idempotency-conflict" CONFLICT,
    /// No such move leads out of the order's state.
    IllegalTransition "illegal-transition" CONFLICT,
    /// The account exists with other settings.
    AccountExistsDifferently "account-exists-differently" CONFLICT,
    /// The events asked for are no longer kept.
    HistoryGone "history-gone" GONE,
    /// The order has another version.
    StaleVersion "stale-version" PRECONDITION_FAILED,
    /// The body is longer than its bound.
    TooLarge "too-large" PAYLOAD_TOO_LARGE,
    /// The head is longer than its bounds.
    HeadTooLarge "head-too-large" REQUEST_HEADER_FIELDS_TOO_LARGE,
    /// The body is not announced as JSON.
    UnsupportedMediaType "unsupported-media-type" UNSUPPORTED_MEDIA_TYPE,
    /// Well-formed JSON, parameter or header that is not what the call takes.
    Invalid "invalid" UNPROCESSABLE_ENTITY,
    /// An account named in the content does not exist.
    UnknownAccount "unknown-account" UNPROCESSABLE_ENTITY,
    /// Both sides are one account.
    SameAccount "same-account" UNPROCESSABLE_ENTITY,
    /// The accounts are in different ledgers.
    LedgerMismatch "ledger-mismatch" UNPROCESSABLE_ENTITY,
    /// The available balance is too small.
    InsufficientFunds "insufficient-funds" UNPROCESSABLE_ENTITY,
    /// A total would pass 2^53 - 1.
    Overflow "overflow" UNPROCESSABLE_ENTITY,
    /// A limit on requests is reached.
    RateLimited "rate-limited" TOO_MANY_REQUESTS,
    /// A defect of the server.
    Internal "internal" INTERNAL_SERVER_ERROR,
    /// Too much is waiting.
    Overloaded "overloaded" SERVICE_UNAVAILABLE,
    /// The journal has no room.
    StorageFull "storage-full" SERVICE_UNAVAILABLE,
    /// The service is on its way out.
    Stopping "stopping" SERVICE_UNAVAILABLE,
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), member: Member::None }
    }

    pub(crate) fn with(mut self, member: Member) -> Self {
        self.member = member;
        self
    }

    /// Writes the whole document.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut object = Object::begin(out);
        object.text("type", "about:blank");
        object.text("title", self.code.status().canonical_reason().unwrap_or("Error"));
        self.write_members(object);
    }

    /// Writes the short form in which an array's results carry it: `status`, `code`, `detail` and the extra member.
    pub(crate) fn write_item(&self, out: &mut Vec<u8>) {
        self.write_members(Object::begin(out));
    }

    fn write_members(&self, mut object: Object<'_>) {
        object.number("status", self.code.status().as_u16());
        object.text("code", self.code.as_str());
        object.text("detail", &self.detail);
        match &self.member {
            Member::None | Member::Allow(_) => {}
            Member::Field(field) => drop(object.text("field", field)),
            Member::State(state) => drop(object.text("state", state)),
            Member::Scope(scope) => drop(object.text("scope", scope)),
            Member::CurrentVersion(version) => drop(object.number("current_version", *version)),
            Member::OutcomeUnknown => drop(object.text("outcome", "unknown")),
            Member::Oldest(oldest) => drop(object.number("oldest", *oldest)),
        }
        object.end();
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Malformed(detail) => Self::new(Code::Malformed, detail),
            Refusal::Invalid { field, detail } => {
                Self::new(Code::Invalid, detail).with(Member::Field(field))
            }
        }
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let (code, member) = match rejection {
            Rejection::NotFound => (Code::NotFound, Member::None),
            Rejection::IdempotencyConflict => (Code::IdempotencyConflict, Member::None),
            Rejection::AccountExistsDifferently => (Code::AccountExistsDifferently, Member::None),
            Rejection::StaleVersion { current_version } => {
                (Code::StaleVersion, Member::CurrentVersion(current_version))
            }
            Rejection::IllegalTransition { state } => {
                (Code::IllegalTransition, Member::State(state.as_str()))
            }
            Rejection::TransferSettled { state } => {
                (Code::IllegalTransition, Member::State(state.as_str()))
            }
            Rejection::TransferNotDue => (Code::IllegalTransition, Member::State("pending")),
            Rejection::UnknownAccount => (Code::UnknownAccount, Member::None),
            Rejection::SameAccount => (Code::SameAccount, Member::None),
            Rejection::LedgerMismatch => (Code::LedgerMismatch, Member::None),
            Rejection::InsufficientFunds => (Code::InsufficientFunds, Member::None),
            Rejection::Overflow => (Code::Overflow, Member::None),
        };
        Self::new(code, rejection.to_string()).with(member)
    }
}

impl From<Unavailable> for Problem {
    fn from(unavailable: Unavailable) -> Self {
        let (code, member) = match unavailable {
            Unavailable::Overloaded => (Code::Overloaded, Member::None),
            Unavailable::StorageFull => (Code::StorageFull, Member::None),
            Unavailable::Stopping => (Code::Stopping, Member::None),
            Unavailable::OutcomeUnknown => (Code::Stopping, Member::OutcomeUnknown),
        };
        Self::new(code, unavailable.to_string()).with(member)
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, Member, Problem};
    use norace_engine::{OrderState, Rejection, Unavailable};

    #[test]
    fn a_problem_is_written_with_its_member() {
        let mut out = Vec::new();
        let problem =
            Problem::new(Code::Invalid, "not \"this\"").with(Member::Field("amount".into()));
        problem.write(&mut out);
        let expect = serde_json::json!({
            "type": "about:blank", "title": "Unprocessable Entity", "status": 422, "code": "invalid",
            "detail": "not \"this\"", "field": "amount",
        });
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&out).unwrap(), expect);
        out.clear();
        problem.write_item(&mut out);
        let item: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(item.as_object().unwrap().len(), 4);
    }

    #[test]
    fn rejections_keep_the_engines_codes() {
        let rejections = [
            Rejection::NotFound,
            Rejection::IdempotencyConflict,
            Rejection::AccountExistsDifferently,
            Rejection::StaleVersion { current_version: 3 },
            Rejection::IllegalTransition { state: OrderState::Failed },
            Rejection::UnknownAccount,
            Rejection::SameAccount,
            Rejection::LedgerMismatch,
            Rejection::InsufficientFunds,
            Rejection::Overflow,
        ];
        for rejection in rejections {
            assert_eq!(Problem::from(rejection).code.as_str(), rejection.code());
        }
        for unavailable in [
            Unavailable::Overloaded,
            Unavailable::StorageFull,
            Unavailable::Stopping,
            Unavailable::OutcomeUnknown,
        ] {
            assert_eq!(Problem::from(unavailable).code.as_str(), unavailable.code());
            assert_eq!(Problem::from(unavailable).code.status(), 503);
        }
    }

    #[test]
    fn every_code_has_its_own_text() {
        for (index, code) in Code::ALL.iter().enumerate() {
            assert!(Code::ALL[..index].iter().all(|other| other.as_str() != code.as_str()));
        }
    }
}
