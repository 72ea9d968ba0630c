-- Every record that cannot be used, onto the topic of those.
INSERT INTO dead_letters_sink
SELECT record_key, dead_letter(reason, topic_name, partition_id, offset_id, envelope)
FROM bad_records
