"""The peers of the channel tests on loopback: Telegram's Bot API and Twilio, which fail to order."""
