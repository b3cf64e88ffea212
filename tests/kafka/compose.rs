//! `docker-compose.yml`: what it says, and that Apache Kafka starts with what the image makes of it.

use std::collections::BTreeMap;
use std::fmt::Write;

use libtest_mimic::{Failed, Trial};
use serde::Deserialize;

use crate::apache::Apache;
use crate::apache::node::Node;
use crate::apache::port;
use crate::version::newest;

const FILE: &str = include_str!("../../docker-compose.yml");

#[derive(Deserialize)]
struct Compose {
    services: BTreeMap<String, Service>,
}

#[derive(Deserialize)]
struct Service {
    image: String,
    ports: Vec<String>,
    #[serde(default)]
    profiles: Vec<String>,
    environment: BTreeMap<String, String>,
    healthcheck: HealthCheck,
}

#[derive(Deserialize)]
struct HealthCheck {
    test: Vec<String>,
}

pub(crate) fn trials() -> Vec<Trial> {
    let starts = Trial::test("kafka::compose::the single broker starts with its environment", starts);
    vec![
        Trial::test("embedded::compose::every service can be reached where it says", reachable),
        starts.with_ignored_flag(true),
    ]
}

fn services() -> Result<BTreeMap<String, Service>, Failed> {
    let compose: Compose = serde_yaml::from_str(FILE).map_err(|error| error.to_string())?;
    Ok(compose.services)
}

/// The port on the outside is the one that clients are told and that the health check asks.
fn reachable() -> Result<(), Failed> {
    let services = services()?;
    for (name, service) in &services {
        let environment = &service.environment;
        let [published] = &service.ports[..] else { return Err(format!("{name} has one port").into()) };
        let port = published.rsplit(':').next().unwrap_or_default();
        let inside = format!("CLIENT://:{port},");
        let outside = format!("CLIENT://localhost:{port},");
        let asked = format!("localhost:{port}");
        if service.image != format!("apache/kafka:{}", newest().name)
            || *published != format!("127.0.0.1:{port}:{port}")
            || !environment["KAFKA_LISTENERS"].starts_with(&inside)
            || !environment["KAFKA_ADVERTISED_LISTENERS"].starts_with(&outside)
            || service.healthcheck.test.last() != Some(&asked)
        {
            return Err(format!("{name} says different things about port {port}").into());
        }
    }
    let in_cluster = services.values().filter(|service| service.profiles == ["cluster"]).count();
    let alone: Vec<_> = services.iter().filter(|(_, service)| service.profiles.is_empty()).collect();
    if in_cluster != 3 || alone.len() != 1 || alone[0].1.ports != ["127.0.0.1:19092:19092"] {
        return Err("one broker at 19092, three in the profile".into());
    }
    Ok(())
}

/// The name of a property as the image makes it of a variable (`KafkaDockerWrapper.getConfigs`).
fn property(variable: &str) -> Option<String> {
    let name = variable.strip_prefix("KAFKA_")?.to_lowercase();
    Some(name.replace("___", "-").replace("__", "\0").replace('_', ".").replace('\0', "_"))
}

/// Only ports and the folder of the logs are others than in a container.
fn starts() -> Result<(), Failed> {
    let jars = Apache::jars(newest().name)?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let services = services()?;
    let (client, broker, controller) = (port::free(), port::free(), port::free());
    let mut text = format!("log.dirs={}\n", folder.path().join("data").display());
    for (variable, value) in &services["kafka"].environment {
        if let Some(name) = property(variable) {
            let moved = [("19092", client), ("9092", broker), ("9093", controller)];
            let value = moved.iter().fold(value.clone(), |value, (from, to)| {
                value.replace(&format!(":{from}"), &format!(":{to}"))
            });
            let _ = writeln!(text, "{name}={value}");
        }
    }
    Node::with(&jars, folder.path(), client, &text)?;
    Ok(())
}
