-- The tables that kb reads, in the columns and types of Zotero 7, without its constraints: a damaged library breaks them.
CREATE TABLE libraries (libraryID INTEGER PRIMARY KEY, type TEXT);
CREATE TABLE itemTypes (itemTypeID INTEGER PRIMARY KEY, typeName TEXT);
CREATE TABLE items (itemID INTEGER PRIMARY KEY, itemTypeID INT, dateAdded TIMESTAMP, libraryID INT, key TEXT);
CREATE TABLE fields (fieldID INTEGER PRIMARY KEY, fieldName TEXT);
CREATE TABLE itemDataValues (valueID INTEGER PRIMARY KEY, value);
CREATE TABLE itemData (itemID INT, fieldID INT, valueID INT);
CREATE TABLE creators (creatorID INTEGER PRIMARY KEY, firstName TEXT, lastName TEXT, fieldMode INT);
CREATE TABLE creatorTypes (creatorTypeID INTEGER PRIMARY KEY, creatorType TEXT);
CREATE TABLE itemCreators (itemID INT, creatorID INT, creatorTypeID INT, orderIndex INT);
CREATE TABLE tags (tagID INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE itemTags (itemID INT, tagID INT, type INT);
CREATE TABLE collections (collectionID INTEGER PRIMARY KEY, collectionName TEXT, parentCollectionID INT);
CREATE TABLE collectionItems (collectionID INT, itemID INT, orderIndex INT);
CREATE TABLE itemNotes (itemID INTEGER PRIMARY KEY, parentItemID INT, note TEXT, title TEXT);
CREATE TABLE deletedItems (itemID INTEGER PRIMARY KEY, dateDeleted);
INSERT INTO libraries VALUES (1, 'user'), (2, 'feed'), (3, 'group');
INSERT INTO itemTypes VALUES (1, 'preprint'), (2, 'conferencePaper'), (3, 'attachment'), (4, 'note'), (5, 'annotation'),
    (6, 'journalArticle'), (7, 'computerProgram'), (8, 'webpage');
INSERT INTO fields VALUES (1, 'title'), (2, 'date'), (3, 'abstractNote'), (4, 'url'), (5, 'DOI'), (6, 'extra'),
    (7, 'archiveID'), (8, 'publicationTitle'), (9, 'proceedingsTitle'), (10, 'shortTitle'), (11, 'ISBN');
INSERT INTO creatorTypes VALUES (1, 'author'), (2, 'editor'), (3, 'programmer');
INSERT INTO items VALUES (1, 1, '2024-10-05 08:00:00', 1, 'AAAA1111'), (2, 2, '2024-10-06 08:00:00', 1, 'AAAA2222'),
    (3, 6, '2024-11-06 08:00:00', 3, 'AAAA3333'), (4, 7, '2024-11-07 08:00:00', 1, 'AAAA4444'),
    (5, 3, '2024-11-07 08:00:00', 1, 'AAAA5555'), (6, 4, '2024-11-08 08:00:00', 1, 'AAAA6666'),
    (7, 5, '2024-11-08 08:00:00', 1, 'AAAA7777'), (8, 8, '2024-11-08 08:00:00', 2, 'AAAA8888'),
    (9, 1, '2024-11-09 08:00:00', 1, 'AAAA9999'), (10, 4, '2024-11-10 08:00:00', 1, 'AAAA0000');
INSERT INTO itemDataValues VALUES (1, 'TinyCodec: A <i>Small</i> Codec'), (2, '2024-10-02 October 2, 2024'),
    (3, '用残差向量量化压缩语音。'), (4, 'http://arxiv.org/abs/2410.00037'), (5, '10.1000/xyz_(1)'),
    (6, 'Citation Key: tiny2024'), (7, 'arXiv:2410.00037'), (8, 'A Tool'), (9, 2024), (10, 'Tones'), (11, 'In the Bin');
INSERT INTO itemData VALUES (1, 1, 1), (1, 2, 2), (1, 3, 3), (1, 4, 4), (1, 6, 6), (1, 7, 7), (2, 1, 10), (2, 5, 5),
    (2, 2, 9), (3, 1, 3), (4, 1, 8), (8, 1, 8), (9, 1, 11);
INSERT INTO creators VALUES (1, 'Wei', 'Li', 0), (2, '小明', '王', 0), (3, '', 'Speech Lab', 1);
INSERT INTO itemCreators VALUES (1, 1, 1, 0), (1, 2, 1, 1), (1, 3, 1, 2), (2, 2, 1, 0), (2, 3, 2, 1), (4, 3, 3, 0);
INSERT INTO tags VALUES (1, 'speech codec'), (2, '声调');
INSERT INTO itemTags VALUES (1, 1, 0), (2, 2, 1);
INSERT INTO collections VALUES (1, '离散表示', NULL), (2, 'inner', 1), (3, 'itself', 3);
INSERT INTO collectionItems VALUES (1, 1, 0), (2, 1, 1), (3, 2, 0);
INSERT INTO itemNotes VALUES (6, 1, '<div><p>还要 <b>再读</b> &amp; 比较。</p><ul><li>见<a href="https://example.org/x">这里</a></li></ul></div>', ''),
    (10, 1, '第二条笔记', '');
INSERT INTO deletedItems VALUES (9, '2024-11-10 08:00:00');
