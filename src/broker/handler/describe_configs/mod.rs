//! `DescribeConfigs` (`ConfigHelper.describeConfigs`).

mod catalogue;

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use kafka_protocol::protocol::StrBytes;

use crate::broker::handler::describe_configs::catalogue::{Catalogue, Entry};
use crate::broker::node::Node;
use crate::broker::node::emulate::Emulate;
use crate::broker::topic::describe::{Setting, Source, settable, settings};
use crate::broker::topic::{Topic, TopicError, check_name};
use crate::kafka::ErrorCode;

/// `ConfigResource.Type`.
mod resource {
    pub(super) const TOPIC: i8 = 2;
    pub(super) const BROKER: i8 = 4;
    pub(super) const BROKER_LOGGER: i8 = 8;
    pub(super) const CLIENT_METRICS: i8 = 16;
    pub(super) const GROUP: i8 = 32;
    pub(super) const ALL: [i8; 5] = [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP];
}

/// The source of what was given to a broker when it started (`ConfigSource.STATIC_BROKER_CONFIG`).
const GIVEN: i8 = 4;
const AUTO_CREATE: &str = "auto.create.topics.enable";

/// `Errors.INVALID_REQUEST.message`.
const MALFORMED: &str = "This most likely occurs because of a request being malformed by the client library or the \
                         message was sent to an incompatible broker. See the broker logs for more details.";

pub(super) fn handle(node: &Node, request: &DescribeConfigsRequest) -> DescribeConfigsResponse {
    let resources = &request.resources;
    let known = if node.cluster.emulate >= Emulate::V4_3 { &resource::ALL[..] } else { &resource::ALL[..4] };
    // One of an unknown type fails them all.
    let unknown = resources.iter().any(|resource| !known.contains(&resource.resource_type));
    let describe = |resource: &DescribeConfigsResource| {
        let described = if unknown { Err(invalid(MALFORMED)) } else { configs(node, resource) };
        result(resource, described, (request.include_synonyms, request.include_documentation))
    };
    DescribeConfigsResponse::default().with_results(resources.iter().map(describe).collect())
}

fn invalid(message: impl Into<String>) -> TopicError {
    TopicError::new(ErrorCode::INVALID_REQUEST, message)
}

fn configs(
    node: &Node,
    resource: &DescribeConfigsResource,
) -> Result<Vec<DescribeConfigsResourceResult>, TopicError> {
    let name = resource.resource_name.as_str();
    match resource.resource_type {
        resource::TOPIC => {
            check_name(name)?;
            let topic = node.cluster.topics().named(name);
            // This error has no words.
            let topic = topic.ok_or_else(|| TopicError::new(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, ""))?;
            Ok(of_topic(node, &topic))
        }
        // Nothing is changed while brokers run, but for what goes with eligible leader replicas.
        resource::BROKER if name.is_empty() => Ok(of_cluster(node)),
        resource::BROKER => check_id(node, name, " or empty string,").map(|()| of_broker(node)),
        resource::BROKER_LOGGER if name.is_empty() => Err(invalid("Broker id must not be empty")),
        resource::BROKER_LOGGER => check_id(node, name, "").map(|()| vec![]),
        resource::CLIENT_METRICS if name.is_empty() => {
            Err(invalid("Client metrics subscription name must not be empty"))
        }
        resource::GROUP if name.is_empty() => Err(invalid("Group name must not be empty")),
        // There are neither subscriptions nor groups: they have their defaults.
        resource::CLIENT_METRICS => Ok(of_entries(&Catalogue::of(node.cluster.emulate).metrics)),
        _ => Ok(of_entries(&Catalogue::of(node.cluster.emulate).group)),
    }
}

/// Each broker knows its own settings.
fn check_id(node: &Node, name: &str, or: &str) -> Result<(), TopicError> {
    let id: i32 =
        name.parse().map_err(|_| invalid(format!("Broker id must be an integer, but it is: {name}")))?;
    if id == node.id.0 {
        return Ok(());
    }
    Err(invalid(format!("Unexpected broker id, expected {}{or} but received {name}", node.id)))
}

fn of_topic(node: &Node, topic: &Topic) -> Vec<DescribeConfigsResourceResult> {
    let emulate = node.cluster.emulate;
    let written = |name| topic.settings.iter().rev().find(|(known, _)| known == name);
    let shown = |entry: &Entry| {
        let setting = settable(emulate).find(|setting| setting.name == entry.name)?;
        let written = written(setting.name).map(|(_, value)| value.as_str());
        if !setting.is_shown(written) {
            return None;
        }
        let values = setting.values(written, emulate);
        let (value, source) = values.first().map_or_else(
            || (setting.default.to_owned(), Source::Default),
            |(_, value, source)| (value.clone(), *source),
        );
        let values = values.into_iter().map(|(name, value, source)| synonym(name, Some(value), source as i8));
        let row = row(entry, Some(value), source as i8);
        Some(row.with_synonyms(values.collect()))
    };
    Catalogue::of(emulate).topic.iter().filter_map(shown).collect()
}

fn of_cluster(node: &Node) -> Vec<DescribeConfigsResourceResult> {
    let emulate = node.cluster.emulate;
    let of_cluster = |setting: Setting| {
        let mut values = setting.values(None, emulate).into_iter();
        let (name, value, source) = values.find(|(_, _, source)| *source == Source::ClusterDefault)?;
        let entry = Catalogue::of(emulate).broker.iter().find(|entry| entry.name == name)?;
        let synonyms = vec![synonym(name, Some(value.clone()), source as i8)];
        Some(row(entry, Some(value), source as i8).with_synonyms(synonyms))
    };
    settings(emulate).filter_map(of_cluster).collect()
}

/// What a broker was given when it started, and the defaults of all else.
fn of_broker(node: &Node) -> Vec<DescribeConfigsResourceResult> {
    let own = node.cluster.endpoints.iter().find(|endpoint| endpoint.id == node.id);
    let (host, port) = own.map_or_else(Default::default, |own| (own.host.clone(), own.port.to_string()));
    let filled = |value: &str| {
        value.replace("{id}", &node.id.to_string()).replace("{host}", &host).replace("{port}", &port)
    };
    let shown = |entry: &Entry| {
        let (value, source) = (entry.value.map(filled), entry.source);
        let synonyms = entry.synonyms().into_iter();
        let mut synonyms: Vec<_> =
            synonyms.map(|(name, value, source)| synonym(name, value.map(filled), source)).collect();
        if entry.name == AUTO_CREATE && !node.cluster.auto_create_topics {
            synonyms.insert(0, synonym(entry.name, Some("false".to_owned()), GIVEN));
            return row(entry, Some("false".to_owned()), GIVEN).with_synonyms(synonyms);
        }
        row(entry, value, source).with_synonyms(synonyms)
    };
    Catalogue::of(node.cluster.emulate).broker.iter().map(shown).collect()
}

fn of_entries(entries: &[Entry]) -> Vec<DescribeConfigsResourceResult> {
    let shown = |entry: &Entry| {
        let synonyms = entry.synonyms().into_iter();
        let synonyms = synonyms.map(|(name, value, source)| synonym(name, value.map(str::to_owned), source));
        row(entry, entry.value.map(str::to_owned), entry.source).with_synonyms(synonyms.collect())
    };
    entries.iter().map(shown).collect()
}

fn row(entry: &Entry, value: Option<String>, source: i8) -> DescribeConfigsResourceResult {
    DescribeConfigsResourceResult::default()
        .with_name(StrBytes::from_static_str(entry.name))
        .with_value(value.map(StrBytes::from_string))
        .with_read_only(entry.read_only)
        .with_is_sensitive(entry.is_sensitive)
        .with_config_source(source)
        .with_config_type(entry.kind)
        .with_documentation(Some(StrBytes::from_string(entry.explanation())))
}

fn synonym(name: &'static str, value: Option<String>, source: i8) -> DescribeConfigsSynonym {
    DescribeConfigsSynonym::default()
        .with_name(StrBytes::from_static_str(name))
        .with_value(value.map(StrBytes::from_string))
        .with_source(source)
}

/// Only what was asked for, if anything was named.
fn result(
    resource: &DescribeConfigsResource,
    described: Result<Vec<DescribeConfigsResourceResult>, TopicError>,
    (with_synonyms, with_documentation): (bool, bool),
) -> DescribeConfigsResult {
    let keys = resource.configuration_keys.as_deref().unwrap_or_default();
    let result = DescribeConfigsResult::default()
        .with_resource_type(resource.resource_type)
        .with_resource_name(resource.resource_name.clone())
        .with_error_message(Some(StrBytes::default()));
    match described {
        Err(TopicError { code, message }) => {
            result.with_error_code(code.0).with_error_message(Some(StrBytes::from_string(message)))
        }
        Ok(mut configs) => {
            configs.retain(|config| keys.is_empty() || keys.contains(&config.name));
            for config in &mut configs {
                if !with_synonyms {
                    config.synonyms.clear();
                }
                if !with_documentation {
                    config.documentation = None;
                }
            }
            result.with_configs(configs)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::connection::wire::Bench;
    use crate::broker::topic::describe::Kind;

    fn asked(resource_type: i8, name: &'static str) -> DescribeConfigsResource {
        DescribeConfigsResource::default()
            .with_resource_type(resource_type)
            .with_resource_name(StrBytes::from_static_str(name))
            .with_configuration_keys(None)
    }

    fn request(resources: Vec<DescribeConfigsResource>) -> DescribeConfigsRequest {
        DescribeConfigsRequest::default().with_resources(resources).with_include_synonyms(true)
    }

    fn value(result: &DescribeConfigsResult, name: &str) -> (String, i8, i8, usize) {
        let config = result.configs.iter().find(|config| config.name.as_str() == name).unwrap();
        let value = config.value.as_ref().unwrap().to_string();
        (value, config.config_source, config.config_type, config.synonyms.len())
    }

    #[tokio::test]
    async fn every_version_tells_the_settings_of_a_topic_with_their_sources() {
        let settings = [("retention.ms", "1000"), ("cleanup.policy", "compact, delete")];
        let mut client = Bench::new("orders", &settings).connect_alone();
        for version in 1..=4 {
            let response = client.call(version, &request(vec![asked(resource::TOPIC, "orders")])).await;
            let result = &response.results[0];
            assert_eq!((result.error_code, result.configs.len()), (0, 33), "v{version}");
            let kind = |kind: Kind| if version >= 3 { kind as i8 } else { 0 };
            assert_eq!(value(result, "retention.ms"), ("1000".to_owned(), 1, kind(Kind::Long), 1));
            let policy = ("compact,delete".to_owned(), 1, kind(Kind::List), 2);
            assert_eq!(value(result, "cleanup.policy"), policy);
            assert_eq!(value(result, "segment.ms"), ("604800000".to_owned(), 5, kind(Kind::Long), 0));
            assert_eq!(value(result, "min.insync.replicas"), ("1".to_owned(), 3, kind(Kind::Int), 2));
        }
        let named = asked(resource::TOPIC, "orders").with_configuration_keys(Some(vec![
            StrBytes::from_static_str("retention.ms"),
            StrBytes::from_static_str("nonsense"),
        ]));
        let response = client.call(4, &request(vec![named]).with_include_synonyms(false)).await;
        let configs = &response.results[0].configs;
        assert_eq!((configs.len(), configs[0].synonyms.len()), (1, 0));
    }

    #[tokio::test]
    async fn a_broker_tells_its_own_settings() {
        let mut client = Bench::of(2, "orders", &[]).connect_alone();
        let response = client.call(4, &request(vec![asked(resource::BROKER, "1")])).await;
        assert_eq!(value(&response.results[0], "node.id"), ("1".to_owned(), GIVEN, Kind::Int as i8, 1));
        let listeners = value(&response.results[0], "listeners");
        assert_eq!(listeners.0, "PLAINTEXT://localhost:9092");
        let response = client.call(4, &request(vec![asked(resource::BROKER, "")])).await;
        assert_eq!(response.results[0].configs.len(), 1);
        for (name, message) in [
            ("2", "Unexpected broker id, expected 1 or empty string, but received 2"),
            ("one", "Broker id must be an integer, but it is: one"),
        ] {
            let response = client.call(4, &request(vec![asked(resource::BROKER, name)])).await;
            let result = &response.results[0];
            assert_eq!(ErrorCode(result.error_code), ErrorCode::INVALID_REQUEST);
            assert_eq!(result.error_message.as_ref().unwrap().as_str(), message);
        }
    }

    #[tokio::test]
    async fn what_is_not_there_has_an_error_of_its_own_and_an_unknown_type_fails_all() {
        let mut client = Bench::new("orders", &[]).connect_alone();
        let known = asked(resource::TOPIC, "orders");
        let resources = vec![asked(resource::TOPIC, "nowhere"), asked(resource::TOPIC, "n w"), known.clone()];
        let response = client.call(4, &request(resources)).await;
        let found: Vec<_> =
            response.results.iter().map(|row| (row.error_code, row.error_message.is_some())).collect();
        assert_eq!(found, [(3, true), (17, true), (0, true)]);
        let response = client.call(4, &request(vec![known, asked(9, "x")])).await;
        let codes: Vec<_> = response.results.iter().map(|row| row.error_code).collect();
        assert_eq!(codes, [42, 42]);
    }
}
