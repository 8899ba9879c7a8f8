"""What people read outside a page: mails, charts, words, exports, in three languages."""
