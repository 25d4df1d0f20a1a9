//! A limit as a layer of tower.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::header::{HeaderMap, HeaderValue};
use http::{Request, Response, StatusCode};
use norace_prim::sync::Arc;

use super::decision::Decision;
use super::headers;
use super::quota::Quota;

/// Puts a limit in front of a tower service, axum's for example.
///
/// The decision is the caller's function of the request, so that any limiter and any key fit; none means "not limited".
/// With it goes the quota that it was made by, which is what the answer tells: it may be changed while the service
/// runs, and be another one for each key. A request that is denied never reaches the service: it is answered with 429
/// and an empty body. Both kinds of answers tell how things stand; see [`headers`].
///
/// Use it in front of whole routes whose requests cost about the same. Not where the cost is known only inside the
/// handler, or a refusal needs a body of its own: ask the limiter there, and write the [`headers`] yourself. Nor to
/// bound how much is under way at a time, which is a [`Semaphore`](crate::sync::Semaphore); and a limit alone does not
/// keep who is denied from connecting.
///
/// A request costs what its decision does, its quota (a lock that is held for a moment), and three short strings. The
/// decision is made when the service is called, after it said that it is ready, and not when the answer's future is
/// polled: what was admitted is counted whether or not that is. Cancel safe: it adds no waiting. It orders nothing
/// between requests.
///
/// ```
/// use norace::limit::{Keyed, Layer, Quota};
/// use std::sync::Arc;
///
/// let limits = Arc::new(Keyed::new(Quota::per_second(20)?, 100_000));
/// let layer = Layer::new("per-key", move |request: &http::Request<()>| {
///     let key = request.headers().get("x-api-key")?.to_str().ok()?;
///     Some((limits.quota_of(key), limits.check(key)))
/// })?;
/// # drop(layer);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Layer<F> {
    shared: Arc<Told<F>>,
}

impl<F> Clone for Layer<F> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

#[derive(Debug)]
struct Told<F> {
    name: String,
    decide: F,
}

impl<F> Layer<F> {
    /// A layer that asks `decide` about each request; answers call the limit `name`.
    ///
    /// # Errors
    ///
    /// When `name` is no string of visible ASCII and blanks.
    pub fn new<B>(name: &str, decide: F) -> Result<Self, headers::NameError>
    where
        F: Fn(&Request<B>) -> Option<(Quota, Decision)>,
    {
        headers::check(name)?;
        Ok(Self { shared: Arc::new(Told { name: name.to_owned(), decide }) })
    }
}

impl<S, F> tower_layer::Layer<S> for Layer<F> {
    type Service = Limited<S, F>;

    fn layer(&self, inner: S) -> Limited<S, F> {
        Limited { inner, shared: Arc::clone(&self.shared) }
    }
}

/// The service that a [`Layer`] makes of another.
#[derive(Debug)]
pub struct Limited<S, F> {
    inner: S,
    shared: Arc<Told<F>>,
}

impl<S: Clone, F> Clone for Limited<S, F> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<F> Told<F> {
    fn tell(&self, quota: Quota, decision: Decision, headers: &mut HeaderMap) {
        let value = |text: String| HeaderValue::from_str(&text).expect("it is visible ASCII");
        let limit = headers::limit(&self.name, decision).expect("the name was tried before");
        let policy = headers::policy(&self.name, quota).expect("the same name");
        headers.insert(headers::RATE_LIMIT, value(limit));
        headers.insert(headers::RATE_LIMIT_POLICY, value(policy));
        if let Some(seconds) = headers::retry_after(decision) {
            headers.insert(headers::RETRY_AFTER, value(seconds));
        }
    }
}

impl<S, F, B, R> tower_service::Service<Request<B>> for Limited<S, F>
where
    S: tower_service::Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    F: Fn(&Request<B>) -> Option<(Quota, Decision)> + Send + Sync + 'static,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Some((quota, decision)) = (self.shared.decide)(&request) else {
            return Box::pin(self.inner.call(request));
        };
        let shared = Arc::clone(&self.shared);
        let answer = decision.is_allowed().then(|| self.inner.call(request));
        Box::pin(async move {
            let mut response = match answer {
                Some(answer) => answer.await?,
                None => {
                    let mut refused = Response::new(R::default());
                    *refused.status_mut() = StatusCode::TOO_MANY_REQUESTS;
                    refused
                }
            };
            shared.tell(quota, decision, response.headers_mut());
            Ok(response)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::{Ready, ready};
    use std::sync::Arc;
    use std::task::{Context, Poll};

    use http::{Request, Response};
    use tower_layer::Layer as _;
    use tower_service::Service;

    use super::Layer;
    use crate::limit::{Keyed, Limiter, ManualClock, Quota};

    #[derive(Clone)]
    struct Hello;

    impl Service<Request<()>> for Hello {
        type Response = Response<String>;
        type Error = Infallible;
        type Future = Ready<Result<Response<String>, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<()>) -> Self::Future {
            ready(Ok(Response::new("hello".to_owned())))
        }
    }

    #[test]
    fn what_is_denied_never_reaches_the_service() {
        let quota = Quota::per_minute(1).unwrap();
        let limiter = Limiter::with_clock(quota, ManualClock::new());
        let layer = Layer::new("one", move |request: &Request<()>| {
            (request.uri().path() != "/free").then(|| (quota, limiter.check()))
        });
        let mut service = layer.unwrap().layer(Hello);
        let mut call = |path| {
            let request = Request::builder().uri(path).body(()).unwrap();
            let answer = crate::block_on(service.call(request)).unwrap();
            let header = |name| Some(answer.headers().get(name)?.to_str().unwrap().to_owned());
            let told = [header("ratelimit"), header("ratelimit-policy"), header("retry-after")];
            (answer.status().as_u16(), answer.body().clone(), told)
        };
        let told = |[limit, policy, retry]: [&str; 3]| {
            [Some(limit.to_owned()), Some(policy.to_owned()), Some(retry.to_owned())]
        };
        let policy = "\"one\";q=1;w=60";
        let (status, body, first) = call("/");
        assert_eq!((status, body.as_str()), (200, "hello"));
        assert_eq!(first[..2], told(["\"one\";r=0;t=60", policy, ""])[..2]);
        assert_eq!(first[2], None);
        let refused = told(["\"one\";r=0;t=60", policy, "60"]);
        assert_eq!(call("/"), (429, String::new(), refused));
        assert_eq!(call("/free"), (200, "hello".to_owned(), [None, None, None]));
    }

    #[test]
    fn the_policy_told_is_the_one_in_force_for_the_key() {
        let quota = |count| Quota::per_minute(count).unwrap();
        let limits = Arc::new(Keyed::with_clock(quota(10), 100, ManualClock::new()));
        let asked = Arc::clone(&limits);
        let layer = Layer::new("one", move |request: &Request<()>| {
            let key = request.uri().path();
            Some((asked.quota_of(key), asked.check(key)))
        });
        let mut service = layer.unwrap().layer(Hello);
        let mut policy = |path| {
            let request = Request::builder().uri(path).body(()).unwrap();
            let answer = crate::block_on(service.call(request)).unwrap();
            answer.headers()["ratelimit-policy"].to_str().unwrap().to_owned()
        };
        assert_eq!(policy("/a"), "\"one\";q=10;w=60");
        limits.set_quota(quota(20)).unwrap();
        assert!(limits.set_quota_of("/b", Some(quota(30))).unwrap());
        assert_eq!(policy("/a"), "\"one\";q=20;w=60");
        assert_eq!(policy("/b"), "\"one\";q=30;w=60");
        assert!(limits.set_quota_of("/b", None).unwrap());
        assert_eq!(policy("/b"), "\"one\";q=20;w=60");
    }
}
