/* placeholder: written by the problem readers' room */
