// Writes with kafkajs: `client.js HOST:PORT TOPIC COUNT`. It can read only as a member of a group, so others read.
const { Kafka, logLevel } = require("kafkajs");

async function main([address, topic, count]) {
  const kafka = new Kafka({ clientId: "kafkajs", brokers: [address], logLevel: logLevel.ERROR });
  const producer = kafka.producer();
  await producer.connect();
  for (let i = 0; i < Number(count); i++) {
    await producer.send({ topic, messages: [{ key: String(i), value: `node ${i}`, partition: 0 }] });
  }
  await producer.disconnect();
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
