//! The table of calls: method, path pattern, endpoint.
//!
//! One table serves the requests, the labels of the metrics, and the test that keeps `openapi.json` fresh. It is
//! searched from the top, so the calls that carry the load come first; a pattern holds `{id}` at most once, and
//! nothing is allocated on the way.

use hyper::Method;
use norace_engine::Action;

use crate::keys::{Caller, Scope};
use crate::problem::Problem;

/// What answers a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    CreateOrders,
    CreateTransfers,
    CreateAccounts,
    MoveOrder(Action),
    ShowOrder,
    ListOrders,
    ShowTransfer,
    ShowAccount,
    Events,
    Health,
    Ready,
    Metrics,
    ShowConfig,
    ReplaceConfig,
    OpenApi,
    Page,
}

impl Endpoint {
    /// What a caller's key has to allow; none where no key is asked for.
    pub(crate) fn scope(self) -> Option<Scope> {
        match self {
            Self::Health | Self::Ready | Self::OpenApi | Self::Page => None,
            Self::ShowOrder
            | Self::ListOrders
            | Self::ShowTransfer
            | Self::ShowAccount
            | Self::Events
            | Self::Metrics
            | Self::ShowConfig => Some(Scope::Read),
            Self::CreateOrders
            | Self::CreateTransfers
            | Self::CreateAccounts
            | Self::MoveOrder(_) => Some(Scope::Write),
            Self::ReplaceConfig => Some(Scope::Admin),
        }
    }

    /// Who calls, where that is asked and may do it.
    pub(crate) fn admit(self, caller: Result<Caller, Problem>) -> Result<Option<Caller>, Problem> {
        let Some(scope) = self.scope() else { return Ok(None) };
        let caller = caller?;
        caller.may(scope)?;
        Ok(Some(caller))
    }
}

/// One call.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) endpoint: Endpoint,
    /// What stands before and behind the path's `{id}`, where it has one.
    around: Option<(&'static str, &'static str)>,
}

const fn post(path: &'static str, endpoint: Endpoint) -> Route {
    Route { method: Method::POST, path, endpoint, around: around_id(path) }
}

const fn get(path: &'static str, endpoint: Endpoint) -> Route {
    Route { method: Method::GET, path, endpoint, around: around_id(path) }
}

const fn put(path: &'static str, endpoint: Endpoint) -> Route {
    Route { method: Method::PUT, path, endpoint, around: around_id(path) }
}

/// Cuts a pattern at its `{id}` when the table is compiled.
const fn around_id(path: &'static str) -> Option<(&'static str, &'static str)> {
    let mut at = 0;
    while at < path.len() {
        if path.as_bytes()[at] == b'{' {
            let (before, rest) = path.split_at(at);
            return Some((before, rest.split_at("{id}".len()).1));
        }
        at += 1;
    }
    None
}

/// Every call, the busiest first.
pub(crate) static ROUTES: [Route; 19] = [
    post("/v1/orders", Endpoint::CreateOrders),
    get("/v1/orders/{id}", Endpoint::ShowOrder),
    post("/v1/orders/{id}/process", Endpoint::MoveOrder(Action::Process)),
    post("/v1/orders/{id}/confirm", Endpoint::MoveOrder(Action::Confirm)),
    post("/v1/orders/{id}/fail", Endpoint::MoveOrder(Action::Fail)),
    post("/v1/orders/{id}/cancel", Endpoint::MoveOrder(Action::Cancel)),
    post("/v1/transfers", Endpoint::CreateTransfers),
    get("/v1/transfers/{id}", Endpoint::ShowTransfer),
    post("/v1/accounts", Endpoint::CreateAccounts),
    get("/v1/accounts/{id}", Endpoint::ShowAccount),
    get("/v1/orders", Endpoint::ListOrders),
    get("/v1/events", Endpoint::Events),
    get("/healthz", Endpoint::Health),
    get("/readyz", Endpoint::Ready),
    get("/metrics", Endpoint::Metrics),
    get("/v1/config", Endpoint::ShowConfig),
    put("/v1/config", Endpoint::ReplaceConfig),
    get("/openapi.json", Endpoint::OpenApi),
    get("/", Endpoint::Page),
];

/// Where a request belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found<'p> {
    /// The route at `index`, with the text that stands for `{id}`, still percent-encoded.
    Route { index: usize, id: &'p str },
    /// The path is known, the method is not; these are.
    OtherMethod { allow: &'static str },
    /// No such path.
    Nothing,
}

/// Looks a request up. `HEAD` is answered as `GET` without its body.
pub(crate) fn find<'p>(method: &Method, path: &'p str) -> Found<'p> {
    let (mut get, mut post, mut put) = (false, false, false);
    for (index, route) in ROUTES.iter().enumerate() {
        let Some(id) = route.id_in(path) else { continue };
        if route.method == method || (method == Method::HEAD && route.method == Method::GET) {
            return Found::Route { index, id };
        }
        get |= route.method == Method::GET;
        post |= route.method == Method::POST;
        put |= route.method == Method::PUT;
    }
    let allow = match (get, post, put) {
        (true, true, _) => "GET, HEAD, POST",
        (true, false, true) => "GET, HEAD, PUT",
        (true, false, false) => "GET, HEAD",
        (false, true, _) => "POST",
        (false, false, true) => "PUT",
        (false, false, false) => return Found::Nothing,
    };
    Found::OtherMethod { allow }
}

impl Route {
    /// The text that stands for `{id}` (empty where there is none), when `path` fits.
    fn id_in<'p>(&self, path: &'p str) -> Option<&'p str> {
        let Some((before, after)) = self.around else {
            return (self.path == path).then_some("");
        };
        let id = path.strip_prefix(before)?.strip_suffix(after)?;
        (!id.is_empty() && !id.contains('/')).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use hyper::Method;

    use super::{Endpoint, Found, ROUTES, Scope, find};

    #[track_caller]
    fn check(method: Method, path: &str, expect: Result<(Endpoint, &str), Option<&str>>) {
        let found = match find(&method, path) {
            Found::Route { index, id } => Ok((ROUTES[index].endpoint, id)),
            Found::OtherMethod { allow } => Err(Some(allow)),
            Found::Nothing => Err(None),
        };
        assert_eq!(found, expect, "{method} {path}");
    }

    #[test]
    fn requests_find_their_endpoint() {
        use norace_engine::Action;
        check(Method::POST, "/v1/orders", Ok((Endpoint::CreateOrders, "")));
        check(Method::GET, "/v1/orders", Ok((Endpoint::ListOrders, "")));
        check(Method::HEAD, "/v1/orders", Ok((Endpoint::ListOrders, "")));
        check(Method::GET, "/v1/orders/o:1", Ok((Endpoint::ShowOrder, "o:1")));
        check(
            Method::POST,
            "/v1/orders/process/process",
            Ok((Endpoint::MoveOrder(Action::Process), "process")),
        );
        check(Method::GET, "/", Ok((Endpoint::Page, "")));
        check(Method::GET, "/v1/orders/a/b", Err(None));
        check(Method::GET, "/v1/orders/", Err(None));
        check(Method::GET, "/v1/orders/x/", Err(None));
        check(Method::POST, "/v1/orders//process", Err(None));
        check(Method::GET, "/v1/Orders", Err(None));
        check(Method::GET, "", Err(None));
        check(Method::GET, "*", Err(None));
        check(Method::DELETE, "/v1/orders", Err(Some("GET, HEAD, POST")));
        check(Method::PUT, "/v1/orders/x", Err(Some("GET, HEAD")));
        check(Method::GET, "/v1/orders/x/cancel", Err(Some("POST")));
        check(Method::PUT, "/v1/config", Ok((Endpoint::ReplaceConfig, "")));
        check(Method::POST, "/v1/config", Err(Some("GET, HEAD, PUT")));
        check(Method::OPTIONS, "/healthz", Err(Some("GET, HEAD")));
    }

    #[test]
    fn the_openapi_document_names_every_call_and_no_other() {
        let document: serde_json::Value = serde_json::from_str(crate::api::OPENAPI).unwrap();
        let mut described = BTreeSet::new();
        for (path, calls) in document["paths"].as_object().unwrap() {
            for method in calls.as_object().unwrap().keys().filter(|key| *key != "parameters") {
                described.insert((method.to_uppercase(), path.clone()));
            }
        }
        let served: BTreeSet<_> =
            ROUTES.iter().map(|route| (route.method.to_string(), route.path.to_owned())).collect();
        assert_eq!(served, described);
    }

    #[test]
    fn the_openapi_document_asks_for_the_scopes_that_are_asked_for() {
        let document: serde_json::Value = serde_json::from_str(crate::api::OPENAPI).unwrap();
        for route in &ROUTES {
            let call = &document["paths"][route.path][route.method.as_str().to_lowercase()];
            let described = &call["security"][0]["bearer"][0];
            let asked = route.endpoint.scope();
            assert_eq!(described.as_str(), asked.map(Scope::as_str), "{}", route.path);
            let refusals = asked.map_or(0, |_| 1);
            assert_eq!(
                usize::from(call["responses"]["401"].is_object()),
                refusals,
                "{}",
                route.path
            );
        }
    }
}
